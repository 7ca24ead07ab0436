//! Which column of a file goes into which column of a relation.

use nsdl_compile::did_you_mean;
use nsdl_ir::{Diagnostic, FileOptions, ProbabilityColumn, Symbols, Word};

use super::Target;

/// Where the parts of a row are.
pub(super) struct Layout {
    pub(super) cells: Cells,
    pub(super) probability: Option<usize>,
}

/// Where the columns of the relation are.
pub(super) enum Cells {
    /// One fact a row.
    Columns(Vec<usize>),
    /// A wide table: a fact for each field of a row.
    Wide {
        keys: Vec<usize>,
        /// With the interned names.
        fields: Vec<(usize, Word)>,
    },
}

/// The layout of a file with columns of these names (if it names them), `width` in number.
pub(super) fn layout(
    place: &str,
    names: Option<&[String]>,
    width: usize,
    target: &Target<'_>,
    options: &FileOptions,
    symbols: &Symbols,
    warnings: &mut Vec<Diagnostic>,
) -> Result<Layout, Diagnostic> {
    let named = |name: &String| find(place, names, name);
    let probability = match &options.probability {
        ProbabilityColumn::Named(name) => Some(named(name)?),
        ProbabilityColumn::First if width > 0 => Some(0),
        _ => None,
    };
    let cells = if options.keys.is_empty() {
        match by_name(place, names, target, warnings) {
            Some(cells) => Cells::Columns(cells),
            None => return by_position(place, width, probability, target, options),
        }
    } else {
        let keys: Vec<usize> = options.keys.iter().map(named).collect::<Result<_, _>>()?;
        let others = names.unwrap_or_default().iter().enumerate();
        let fields = match options.fields.is_empty() {
            true => others
                .filter(|(at, _)| !keys.contains(at) && probability != Some(*at))
                .map(|(at, name)| (at, symbols.intern(name)))
                .collect(),
            false => options
                .fields
                .iter()
                .map(|name| Ok((named(name)?, symbols.intern(name))))
                .collect::<Result<_, _>>()?,
        };
        Cells::Wide { keys, fields }
    };
    let used = match &cells {
        Cells::Columns(columns) => columns.contains(&0),
        Cells::Wide { keys, .. } => keys.contains(&0),
    };
    if used && options.probability == ProbabilityColumn::First {
        let first = names.and_then(|names| names.first()).map_or("", |it| it);
        return Err(Diagnostic::error(
            "E0706",
            format!("{place}: the first column is `{first}`, not the probability"),
        )
        .help("name the column of the probabilities: `probability=\"p\"`"));
    }
    Ok(Layout { cells, probability })
}

/// The columns of the relation by their names, if all are there.
fn by_name(
    place: &str,
    names: Option<&[String]>,
    target: &Target<'_>,
    warnings: &mut Vec<Diagnostic>,
) -> Option<Vec<usize>> {
    let names = names?;
    let at = |field: &Option<String>| names.iter().position(|name| Some(name) == field.as_ref());
    let found: Vec<Option<usize>> = target.fields.iter().map(at).collect();
    let all: Option<Vec<usize>> = found.iter().copied().collect();
    match all {
        Some(all) if all.len() == target.types.len() && !all.is_empty() => Some(all),
        _ => {
            if found.iter().any(Option::is_some) {
                let missing = std::iter::zip(target.fields, &found).filter(|(_, at)| at.is_none());
                let missing: Vec<String> = missing
                    .map(|(field, _)| match field {
                        Some(field) => format!("`{field}`"),
                        None => "one that has no name".to_owned(),
                    })
                    .collect();
                warnings.push(
                    Diagnostic::warning(
                        "W0700",
                        format!("{place}: columns are read by position, not by name"),
                    )
                    .note(format!(
                        "it has only some of the columns of `{}`: not {}",
                        target.relation,
                        missing.join(", ")
                    ))
                    .help("give the columns the same names in both"),
                );
            }
            None
        }
    }
}

fn by_position(
    place: &str,
    width: usize,
    probability: Option<usize>,
    target: &Target<'_>,
    options: &FileOptions,
) -> Result<Layout, Diagnostic> {
    let columns = target.types.len();
    let auto = options.probability == ProbabilityColumn::Auto;
    let probability = probability.or((auto && width == columns + 1).then_some(0));
    let cells: Vec<usize> = (0..width).filter(|at| probability != Some(*at)).collect();
    if cells.len() != columns {
        return Err(wrong_width(place, width, target, options));
    }
    Ok(Layout {
        cells: Cells::Columns(cells),
        probability,
    })
}

fn find(place: &str, names: Option<&[String]>, name: &str) -> Result<usize, Diagnostic> {
    let Some(names) = names else {
        return Err(Diagnostic::error(
            "E0706",
            format!("{place}: the column `{name}` is wanted, but the columns have no names"),
        )
        .help("if the first line names them, say `header=true`"));
    };
    let mut found = names.iter().enumerate().filter(|(_, it)| *it == name);
    match (found.next(), found.next()) {
        (Some((at, _)), None) => Ok(at),
        (Some(_), Some(_)) => Err(Diagnostic::error(
            "E0706",
            format!("{place}: two columns are called `{name}`"),
        )
        .help("give each column a name of its own")),
        (None, _) => {
            let error = Diagnostic::error("E0706", format!("{place}: there is no column `{name}`"));
            Err(match did_you_mean(name, names.iter().map(String::as_str)) {
                Some(help) => error.help(help),
                None => error.help(format!("there are {}", names.join(", "))),
            })
        }
    }
}

/// E0703: a row of the wrong width.
pub(super) fn wrong_width(
    place: &str,
    width: usize,
    target: &Target<'_>,
    options: &FileOptions,
) -> Diagnostic {
    let types: Vec<String> = target.types.iter().map(ToString::to_string).collect();
    let probability = match options.probability {
        ProbabilityColumn::Auto => "after an optional probability",
        ProbabilityColumn::None => "and no probability",
        ProbabilityColumn::First | ProbabilityColumn::Named(_) => "beside the probability",
    };
    Diagnostic::error(
        "E0703",
        format!(
            "{place}: {}, but `{}` has {} ({})",
            counted(width, "field"),
            target.relation,
            counted(types.len(), "column"),
            types.join(", ")
        ),
    )
    .help(format!("one field per column, {probability}"))
}

pub(super) fn counted(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}
