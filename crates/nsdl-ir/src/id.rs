//! Typed ids: a dense `u32` each, so that a table of one kind is never indexed by another.

macro_rules! define_id {
    ($(#[doc = $doc:literal] $name:ident),+ $(,)?) => {$(
        #[doc = $doc]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        #[repr(transparent)]
        pub struct $name(pub u32);

        impl $name {
            /// The id of the `index`-th entry of its table.
            ///
            /// Tables hold fewer than 2³² entries: whoever fills one checks its limit first.
            pub fn new(index: usize) -> Self {
                debug_assert!(u32::try_from(index).is_ok());
                Self(index as u32)
            }

            /// Position in the table of this kind.
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    )+};
}

define_id! {
    #[doc = "A relation of a [`Plan`](crate::Plan)."]
    RelationId,
    #[doc = "A rule of a [`Plan`](crate::Plan)."]
    RuleId,
    #[doc = "An aggregate of a [`Plan`](crate::Plan)."]
    AggregateId,
    #[doc = "A random choice that a tagged rule makes once per binding."]
    ChoiceId,
    #[doc = "A variable of a rule: the place of its value during a join."]
    Slot,
    #[doc = "A tuple of a [`Trace`](crate::Trace), over all relations."]
    TupleId,
    #[doc = "One alternative of a random variable of a [`Trace`](crate::Trace); weights are given per leaf."]
    LeafId,
    #[doc = "A random variable of a [`Trace`](crate::Trace): its leaves exclude each other."]
    GroupId,
}
