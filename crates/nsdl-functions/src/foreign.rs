//! What a host program may supply: functions, predicates and aggregates, as traits over values.

use nsdl_ir::{AggregateSignature, Predicate, Signature, Type, Value};

/// A function `$f` of the host program.
///
/// It is pure: within an evaluation it is called once for the same arguments, unless it is [volatile], and never
/// while a program is compiled.
///
/// [volatile]: ForeignFunction::volatile
pub trait ForeignFunction: Send + Sync {
    /// How it is called; see [`Signature::parse`].
    fn signature(&self) -> &'static Signature;

    /// Its value for arguments that fit the signature.
    ///
    /// # Errors
    /// Why it has none: the derivation is then dropped, counted and warned of with this text.
    fn call(&self, args: &[Value]) -> Result<Value, String>;

    /// Whether [`ForeignFunction::call_batch`] is worth collecting calls for.
    fn batched(&self) -> bool {
        false
    }

    /// The values of several calls, one each.
    fn call_batch(&self, calls: &[Vec<Value>]) -> Vec<Result<Value, String>> {
        calls.iter().map(|args| self.call(args)).collect()
    }

    /// Whether it is called anew each time: its value is not determined by its arguments.
    fn volatile(&self) -> bool {
        false
    }
}

/// What a predicate is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The number of the mode: which columns are given.
    pub mode: usize,
    /// The types of all columns, those of the type variable and of `Any` too.
    pub types: &'a [Type],
    /// The values of the columns that the mode needs, in order.
    pub inputs: &'a [Value],
}

/// How certain an answer is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AnswerTag {
    /// It holds.
    Certain,
    /// It holds or it does not.
    Holds(bool),
    /// It is a random variable of its own with this probability, or, if the predicate is
    /// [`Tagging::Exclusive`](nsdl_ir::Tagging::Exclusive), an alternative of the one of this call.
    Probability(f64),
}

/// A result of a predicate.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// How certain it is.
    pub tag: AnswerTag,
    /// The values of the columns that the mode does not need, in order.
    pub outputs: Vec<Value>,
}

impl Answer {
    /// One that holds.
    pub fn certain(outputs: Vec<Value>) -> Self {
        Self {
            tag: AnswerTag::Certain,
            outputs,
        }
    }
}

/// The results of one call, made one by one.
pub type Answers<'a> = Box<dyn Iterator<Item = Result<Answer, String>> + 'a>;

/// A predicate of the host program: a relation that is computed from some of its columns.
///
/// It is pure, and its modes agree: asked with more columns given it finds the same tuples. Each tuple with a
/// probability is one random variable, whichever rules use it. With [`Predicate::volatile`] each call is made
/// anew and gives new variables.
pub trait ForeignPredicate: Send + Sync {
    /// Its columns and modes; see [`Predicate::parse`].
    fn signature(&self) -> &'static Predicate;

    /// The results for some inputs. If one of them is an error, the call has none.
    fn evaluate<'a>(&'a self, question: Question<'a>) -> Answers<'a>;

    /// Whether [`ForeignPredicate::evaluate_batch`] is worth collecting calls for.
    fn batched(&self) -> bool {
        false
    }

    /// The results of several calls in the same mode, one list each.
    fn evaluate_batch(&self, questions: &[Question<'_>]) -> Vec<Result<Vec<Answer>, String>> {
        questions
            .iter()
            .map(|question| self.evaluate(*question).collect())
            .collect()
    }
}

/// An aggregate of the host program: one value from the members of a group, whatever their order.
pub trait ForeignAggregate: Send + Sync {
    /// What it takes and gives; see [`AggregateSignature::parse`].
    fn signature(&self) -> &'static AggregateSignature;

    /// The value of a group with these members, each with its arguments before its values; `None`: no result.
    ///
    /// # Errors
    /// Why it has none: counted and warned of.
    fn evaluate(&self, members: &[Vec<Value>]) -> Result<Option<Value>, String>;

    /// The same, member by member. With it, groups of uncertain members take time polynomial in members and
    /// different states; without, 2^n for n uncertain members, so that n is limited.
    fn incremental(&self) -> Option<&dyn Incremental> {
        None
    }
}

/// An aggregate that takes its members one by one.
pub trait Incremental {
    /// The state without members.
    fn start(&self) -> Value;

    /// The state with one member more.
    ///
    /// # Errors
    /// Why there is none.
    fn add(&self, state: &Value, member: &[Value]) -> Result<Value, String>;

    /// The result; `None`: there is none.
    ///
    /// # Errors
    /// Why there is none.
    fn finish(&self, state: &Value) -> Result<Option<Value>, String>;
}
