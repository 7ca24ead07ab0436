//! Values for `@cmd_arg`.

use nsdl_compile::did_you_mean;
use nsdl_ir::Diagnostic;

pub use nsdl_compile::Argument;

use super::Session;
use crate::error::Result;

impl Session {
    /// The arguments that the programs declare by `@cmd_arg`, in order.
    pub fn arguments(&self) -> &[Argument] {
        &self.directives.arguments
    }

    /// Gives an argument its value, as text that is read by its type: what `--num 5` does on the command line.
    /// Its name is the long one without dashes, or the short one. A second call replaces the first.
    ///
    /// # Errors
    /// `E0245` if no program declares the argument, or if the text is no value of its type.
    pub fn set_argument(&mut self, name: &str, value: &str) -> Result<()> {
        let known = |argument: &Argument| {
            let dashed = |text: &Option<String>| text.as_deref() == Some(name);
            argument.name == name || dashed(&argument.short) || dashed(&argument.long)
        };
        let Some(argument) = self.arguments().iter().find(|argument| known(argument)) else {
            let names = || self.arguments().iter().map(|it| it.name.as_str());
            let mut d = Diagnostic::error("E0245", format!("there is no argument `{name}`"));
            d.help = did_you_mean(name, names()).or_else(|| {
                Some(match names().collect::<Vec<_>>().as_slice() {
                    [] => "the programs declare none by `@cmd_arg`".to_owned(),
                    all => format!("there are {}", all.join(", ")),
                })
            });
            return Err(self.error(vec![d]));
        };
        let name = argument.name.clone();
        let mut next = self.clone();
        next.argument_values.retain(|(known, _)| *known != name);
        next.argument_values.push((name, value.to_owned()));
        next.check()?;
        *self = next;
        Ok(())
    }
}
