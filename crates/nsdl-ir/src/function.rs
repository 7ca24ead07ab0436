//! The table of built-in functions.

use std::ops::RangeInclusive;

use crate::Type;

/// The type of a parameter or result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Parameter {
    /// The type variable of the function: the same type wherever it stands.
    Variable,
    /// Any type, each time another one.
    Any,
    /// This type.
    Exactly(Type),
    /// A list of what the type variable stands for.
    List,
}

/// What the type variable of a function ranges over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// Every type.
    Any,
    /// Numbers and tensors.
    Arithmetic,
    /// Integers and floats.
    Number,
    /// The twelve integer types.
    Integer,
    /// `i8` to `isize`.
    SignedInteger,
    /// `u8` to `usize`.
    UnsignedInteger,
    /// `f32` and `f64`.
    Float,
}

impl Family {
    /// Every family.
    pub const ALL: [Family; 7] = [
        Family::Any,
        Family::Arithmetic,
        Family::Number,
        Family::Integer,
        Family::SignedInteger,
        Family::UnsignedInteger,
        Family::Float,
    ];

    /// The family of that name.
    pub fn from_name(name: &str) -> Option<Family> {
        let named = |family: &Family| format!("{family:?}") == name;
        Family::ALL.into_iter().find(named)
    }

    /// Whether `ty` belongs to it.
    pub fn holds(self, ty: Type) -> bool {
        match self {
            Family::Any => true,
            Family::Arithmetic => ty.is_number() || ty == Type::Tensor,
            Family::Number => ty.is_number(),
            Family::Integer => ty.is_integer(),
            Family::SignedInteger => ty.is_signed(),
            Family::UnsignedInteger => ty.is_unsigned(),
            Family::Float => ty.is_float(),
        }
    }
}

/// How a function is called.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Signature {
    /// Its name, with the `$`.
    pub name: &'static str,
    /// The whole, for messages and documentation.
    pub text: &'static str,
    /// What its type variable ranges over; any type if it has none.
    pub family: Family,
    /// Parameters that always have an argument.
    pub required: &'static [Parameter],
    /// Parameters that may have one.
    pub optional: &'static [Parameter],
    /// What further arguments are; `None`: there are none.
    pub rest: Option<Parameter>,
    /// What it gives.
    pub result: Parameter,
}

impl Signature {
    /// The parameter of argument `index`, if there is one.
    pub fn parameter(&self, index: usize) -> Option<Parameter> {
        let mut named = self.required.iter().chain(self.optional);
        named.nth(index).copied().or(self.rest)
    }

    /// How many arguments it takes.
    pub fn arity(&self) -> RangeInclusive<usize> {
        let least = self.required.len();
        least
            ..=self
                .rest
                .map_or(least + self.optional.len(), |_| usize::MAX)
    }
}

const T: Parameter = Parameter::Variable;
const ANY: Parameter = Parameter::Any;
const LIST: Parameter = Parameter::List;
const BOOL: Parameter = Parameter::Exactly(Type::Bool);
const STRING: Parameter = Parameter::Exactly(Type::String);
const USIZE: Parameter = Parameter::Exactly(Type::Usize);
const U32: Parameter = Parameter::Exactly(Type::U32);
const U64: Parameter = Parameter::Exactly(Type::U64);
const CHAR: Parameter = Parameter::Exactly(Type::Char);
const I32: Parameter = Parameter::Exactly(Type::I32);
const I64: Parameter = Parameter::Exactly(Type::I64);
const DATETIME: Parameter = Parameter::Exactly(Type::DateTime);
const DURATION: Parameter = Parameter::Exactly(Type::Duration);
const TENSOR: Parameter = Parameter::Exactly(Type::Tensor);

macro_rules! functions {
    ($($variant:ident $name:literal $family:ident [$($required:expr),*] [$($optional:expr),*] $rest:expr => $result:ident, $text:literal;)+) => {
        /// A built-in function.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs)] // Each is the function of that name; see docs/language.md.
        pub enum Function {
            $($variant,)+
        }

        impl Function {
            /// Every function.
            pub const ALL: &'static [Function] = &[$(Function::$variant),+];

            /// How it is called.
            pub fn signature(self) -> &'static Signature {
                match self {
                    $(Function::$variant => {
                        const SIGNATURE: &Signature = &Signature {
                            name: $name,
                            text: concat!($name, $text),
                            family: Family::$family,
                            required: &[$($required),*],
                            optional: &[$($optional),*],
                            rest: $rest,
                            result: $result,
                        };
                        SIGNATURE
                    })+
                }
            }
        }
    };
}

functions! {
    Abs "$abs" Number [T] [] None => T, "<T: Number>(T) -> T";
    Floor "$floor" Number [T] [] None => T, "<T: Number>(T) -> T";
    Ceil "$ceil" Number [T] [] None => T, "<T: Number>(T) -> T";
    Sign "$sign" Number [T] [] None => T, "<T: Number>(T) -> T";
    Max "$max" Number [T] [] Some(T) => T, "<T: Number>(T, T...) -> T";
    Min "$min" Number [T] [] Some(T) => T, "<T: Number>(T, T...) -> T";
    Pow "$pow" Integer [T, U32] [] None => T, "<T: Integer>(T, u32) -> T";
    Powf "$powf" Float [T, T] [] None => T, "<T: Float>(T, T) -> T";
    Exp "$exp" Float [T] [] None => T, "<T: Float>(T) -> T";
    Exp2 "$exp2" Float [T] [] None => T, "<T: Float>(T) -> T";
    Log "$log" Float [T] [] None => T, "<T: Float>(T) -> T";
    Log2 "$log2" Float [T] [] None => T, "<T: Float>(T) -> T";
    Sin "$sin" Float [T] [] None => T, "<T: Float>(T) -> T";
    Cos "$cos" Float [T] [] None => T, "<T: Float>(T) -> T";
    Tan "$tan" Float [T] [] None => T, "<T: Float>(T) -> T";
    Asin "$asin" Float [T] [] None => T, "<T: Float>(T) -> T";
    Acos "$acos" Float [T] [] None => T, "<T: Float>(T) -> T";
    Atan "$atan" Float [T] [] None => T, "<T: Float>(T) -> T";
    Atan2 "$atan2" Float [T, T] [] None => T, "<T: Float>(T, T) -> T";
    StringConcat "$string_concat" Number [] [] Some(STRING) => STRING, "(String...) -> String";
    StringLength "$string_length" Number [STRING] [] None => USIZE, "(String) -> usize";
    StringCharAt "$string_char_at" Number [STRING, USIZE] [] None => CHAR, "(String, usize) -> char";
    Substring "$substring" Number [STRING, USIZE] [USIZE] None => STRING, "(String, usize, usize?) -> String";
    Format "$format" Number [STRING] [] Some(ANY) => STRING, "(String, Any...) -> String";
    StringUpper "$string_upper" Number [STRING] [] None => STRING, "(String) -> String";
    StringLower "$string_lower" Number [STRING] [] None => STRING, "(String) -> String";
    StringTrim "$string_trim" Number [STRING] [] None => STRING, "(String) -> String";
    StringIndexOf "$string_index_of" Number [STRING, STRING] [] None => USIZE, "(String, String) -> usize";
    StringReplace "$string_replace" Number [STRING, STRING, STRING] [] None => STRING, "(String, String, String) -> String";
    CharCode "$char_code" Number [CHAR] [] None => U32, "(char) -> u32";
    CharOf "$char_of" Number [U32] [] None => CHAR, "(u32) -> char";
    Length "$length" Any [LIST] [] None => USIZE, "<T>([T]) -> usize";
    Concat "$concat" Any [] [] Some(LIST) => LIST, "<T>([T]...) -> [T]";
    Contains "$contains" Any [LIST, T] [] None => BOOL, "<T>([T], T) -> bool";
    Get "$get" Any [LIST, USIZE] [] None => T, "<T>([T], usize) -> T";
    IndexOf "$index_of" Any [LIST, T] [] None => USIZE, "<T>([T], T) -> usize";
    Slice "$slice" Any [LIST, USIZE] [USIZE] None => LIST, "<T>([T], usize, usize?) -> [T]";
    Reverse "$reverse" Any [LIST] [] None => LIST, "<T>([T]) -> [T]";
    Sort "$sort" Any [LIST] [] None => LIST, "<T>([T]) -> [T]";
    Distinct "$distinct" Any [LIST] [] None => LIST, "<T>([T]) -> [T]";
    Sum "$sum" Number [LIST] [] None => T, "<T: Number>([T]) -> T";
    Hash "$hash" Number [] [] Some(ANY) => U64, "(Any...) -> u64";
    Datetime "$datetime" Number [I32, U32, U32] [U32, U32, U32] None => DATETIME, "(i32, u32, u32, u32?, u32?, u32?) -> DateTime";
    DatetimeYear "$datetime_year" Number [DATETIME] [] None => I32, "(DateTime) -> i32";
    DatetimeMonth "$datetime_month" Number [DATETIME] [] None => U32, "(DateTime) -> u32";
    DatetimeMonth0 "$datetime_month0" Number [DATETIME] [] None => U32, "(DateTime) -> u32";
    DatetimeDay "$datetime_day" Number [DATETIME] [] None => U32, "(DateTime) -> u32";
    DatetimeWeekday "$datetime_weekday" Number [DATETIME] [] None => U32, "(DateTime) -> u32";
    DatetimeHour "$datetime_hour" Number [DATETIME] [] None => U32, "(DateTime) -> u32";
    DatetimeMinute "$datetime_minute" Number [DATETIME] [] None => U32, "(DateTime) -> u32";
    DatetimeSecond "$datetime_second" Number [DATETIME] [] None => U32, "(DateTime) -> u32";
    DurationMonths "$duration_months" Number [DURATION] [] None => I32, "(Duration) -> i32";
    DurationDays "$duration_days" Number [DURATION] [] None => I64, "(Duration) -> i64";
    DurationSeconds "$duration_seconds" Number [DURATION] [] None => I64, "(Duration) -> i64";
    Dim "$dim" Number [TENSOR] [] None => USIZE, "(Tensor) -> usize";
    Dot "$dot" Number [TENSOR, TENSOR] [] None => TENSOR, "(Tensor, Tensor) -> Tensor";
}

impl Function {
    /// The function of that name, written with its `$`.
    pub fn from_name(name: &str) -> Option<Function> {
        Function::ALL
            .iter()
            .copied()
            .find(|function| function.signature().name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(parameter: Parameter) -> String {
        match parameter {
            Parameter::Variable => "T".into(),
            Parameter::Any => "Any".into(),
            Parameter::List => "[T]".into(),
            Parameter::Exactly(ty) => ty.name().into(),
        }
    }

    #[test]
    fn texts_say_what_the_table_says() {
        for function in Function::ALL {
            let signature = function.signature();
            let all = signature.required.iter().chain(signature.optional);
            let all = all.chain(&signature.rest).chain([&signature.result]);
            let is_generic = all.copied().any(|it| matches!(it, T | Parameter::List));
            let generic = match signature.family {
                _ if !is_generic => String::new(),
                Family::Any => "<T>".into(),
                family => format!("<T: {family:?}>"),
            };
            let required = signature.required.iter().map(|it| name(*it));
            let optional = signature.optional.iter().map(|it| name(*it) + "?");
            let rest = signature.rest.map(|it| name(it) + "...");
            let parameters: Vec<String> = required.chain(optional).chain(rest).collect();
            let text = format!(
                "{}{generic}({}) -> {}",
                signature.name,
                parameters.join(", "),
                name(signature.result)
            );
            assert_eq!(signature.text, text);
            assert_eq!(Function::from_name(signature.name), Some(*function));
        }
    }
}
