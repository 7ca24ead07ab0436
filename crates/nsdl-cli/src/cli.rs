//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use nsdl::Provenance;

/// Differentiable Datalog: run, check and explore programs.
#[derive(Debug, Parser)]
#[command(name = "nsdl", version, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  nsdl run path.dl                       print what the program queries
  nsdl run path.dl -p topkproofs -k 5    with the five best proofs of each tuple
  nsdl run path.dl -q 'path(0, _)'       ask something else
  nsdl check path.dl                     find errors without running
  nsdl why path.dl 'path(0, 2)'          its most probable proofs
  nsdl repl path.dl                      explore it line by line
  nsdl fmt path.dl                       bring it into the canonical layout
  nsdl explain E0201                     what a code means, with a wrong and a right program
  nsdl functions string                  what there is for strings

Data goes to stdout; warnings, errors and progress go to stderr.
Exit status: 0 if all is well, 1 for errors in program or data, 2 for errors in the command line,
130 if stopped by Ctrl-C.";

const RUN_EXAMPLES: &str = "\
Examples:
  nsdl run path.dl
  nsdl run path.dl --facts edge=edges.csv --format json
  nsdl run path.dl -q path --format csv > path.csv
  nsdl run path.dl -q path --output path.parquet
  nsdl run path.dl --output answers/ --format csv
  nsdl run path.dl -- --start 3          a value for @cmd_arg(\"--start\")
  echo 'rel p = {0.5::1}' | nsdl run -

Files are CSV (.csv, .tsv), JSON lines (.jsonl), Parquet or Arrow (.arrow, .feather), the first two also with
gzip (.csv.gz). One field per column of the relation, which the program declares with its types; one extra
leading field is the probability of the fact. Where the file names its columns, they are matched by name.";

const FORMAT_EXAMPLES: &str = "\
Examples:
  nsdl fmt path.dl examples/*.dl         rewrite the files
  nsdl fmt --check *.dl                  for a build server
  nsdl fmt - < path.dl                   print the result

A file with syntax errors is reported and left as it is.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Evaluate a program and print its relations
    #[command(after_help = RUN_EXAMPLES)]
    Run(Run),
    /// Report errors and warnings without evaluating
    Check(Check),
    /// Enter facts, rules and queries line by line
    Repl(Repl),
    /// Show the most probable proofs of a tuple, or the most probable world in which it holds
    Why(Why),
    /// Say more about the code of an error or warning
    Explain(Explain),
    /// List the built-in functions, predicates and aggregates
    Functions(Functions),
    /// Bring programs into the one canonical layout, comments kept
    #[command(after_help = FORMAT_EXAMPLES)]
    Fmt(Fmt),
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// Program file (.dl or .scl), or `-` for standard input
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) provenance: ProvenanceArgs,
    /// Print this relation or atom query instead of the program's queries; may be repeated
    #[arg(short, long = "query", value_name = "RELATION")]
    pub(crate) queries: Vec<String>,
    /// How to print or write; by default text, or what the name of the output says
    ///
    /// Files of csv, jsonl, parquet and arrow hold one relation: ask for one, or give a folder as output.
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,
    /// Write to a file, or, one file per relation, into a folder
    #[arg(short, long, value_name = "FILE|FOLDER/")]
    pub(crate) output: Option<PathBuf>,
    /// Add the facts of a file to a relation; may be repeated
    #[arg(long, value_name = "RELATION=FILE", value_parser = facts_file)]
    pub(crate) facts: Vec<FactsFile>,
    /// What `uniform` and `categorical` draw: the same seed gives the same draws
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Leave each recursion after N rounds, complete or not
    #[arg(long, visible_alias = "iter-limit", value_name = "N", value_parser = positive)]
    pub(crate) iteration_limit: Option<usize>,
    /// Compute relations in full, even where the queries ask for less (magic sets)
    #[arg(long)]
    pub(crate) no_demand: bool,
    /// The first line of CSV files names the columns, read and written; JSON lines are written as objects
    #[arg(long)]
    pub(crate) header: bool,
    /// End as soon as the relation under @goal holds
    #[arg(long)]
    pub(crate) stop_at_goal: bool,
    /// Values for the @cmd_arg of the program, after `--`
    #[arg(last = true, value_name = "ARGUMENTS")]
    pub(crate) arguments: Vec<String>,
    /// Exit with status 1 if a derivation was dropped (overflow, division by zero and the like)
    #[arg(long)]
    pub(crate) strict: bool,
    /// Show no warnings
    #[arg(long)]
    pub(crate) no_warnings: bool,
    /// Tell, on stderr, what it took: rounds, rows, rule instances and time of each stratum, and the circuit
    #[arg(long)]
    pub(crate) stats: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Program file (.dl or .scl), or `-` for standard input
    pub(crate) file: PathBuf,
    /// Show the plan that computes relations in full
    #[arg(long)]
    pub(crate) no_demand: bool,
    /// Also print what the program became
    #[arg(long, value_enum, value_name = "STAGE")]
    pub(crate) show: Option<Stage>,
    /// Show no warnings
    #[arg(long)]
    pub(crate) no_warnings: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Why {
    /// Program file (.dl or .scl), or `-` for standard input
    pub(crate) file: PathBuf,
    /// The tuple, such as 'path(0, 2)'
    pub(crate) tuple: String,
    /// How many proofs
    #[arg(short, default_value_t = 3, value_parser = positive)]
    pub(crate) k: usize,
    /// Show the most probable world in which the tuple holds instead
    #[arg(long)]
    pub(crate) world: bool,
    /// Add the facts of a file to a relation; may be repeated
    #[arg(long, value_name = "RELATION=FILE", value_parser = facts_file)]
    pub(crate) facts: Vec<FactsFile>,
    /// The first line of CSV files names the columns
    #[arg(long)]
    pub(crate) header: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Fmt {
    /// Program files, or `-` to read standard input and print the result
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Change nothing: name the files that would change, and exit with status 1 if there are any
    #[arg(long)]
    pub(crate) check: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// Such as E0201; without one, all codes are listed
    pub(crate) code: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Functions {
    /// Only those with this word in their signature, such as `string` or `Duration`
    pub(crate) word: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Repl {
    /// Program files to begin with
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) provenance: ProvenanceArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ProvenanceArgs {
    /// How to compute tags: exact, topkproofs, minmaxprob, natural, tropical, proofs and more (--help)
    ///
    /// By default unit if nothing is uncertain, else auto: exact if that fits a budget, else an answer with bounds.
    ///
    /// Truth: unit, bool. Probabilities: auto, exact, topkproofs, topbottomkclauses, samplekproofs, sample, addmultprob, nandmultprob, maxmultprob
    /// (viterbi), minmaxprob, nandminprob. Fuzzy logic: godel, product, lukasiewicz. Counts and costs: natural (derivation
    /// trees), tropical, realtropical (cheapest derivation). Which facts: why, lineage, proofs.
    #[arg(short, long, value_parser = provenance_name)]
    provenance: Option<String>,
    /// How many proofs topkproofs, topbottomkclauses and samplekproofs keep per tuple (default 3), or how many worlds
    /// sample draws (default 10,000)
    #[arg(short, requires = "provenance", value_parser = positive)]
    k: Option<usize>,
}

/// Whether a number of proofs or worlds may be given to it.
pub(crate) fn has_k(provenance: Provenance) -> bool {
    provenance.k().is_some()
}

impl ProvenanceArgs {
    /// The provenance chosen, if any.
    ///
    /// # Errors
    /// A message if `-k` is given to a provenance that has none.
    pub(crate) fn chosen(&self) -> Result<Option<Provenance>, String> {
        let Some(name) = &self.provenance else {
            return Ok(None);
        };
        let provenance = Provenance::parse(name, self.k).map_err(|error| error.to_string())?;
        if self.k.is_some() && !has_k(provenance) {
            return Err(format!(
                "-k is for topkproofs and its like only; `{provenance}` keeps no proofs"
            ));
        }
        Ok(Some(provenance))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// path: {0.9::(0, 1), (1, 2)}
    Text,
    /// One object: relation → list of {"tuple": [...], "tag": ...}
    Json,
    /// The tuples of one relation, with their probability first unless nothing is uncertain
    Csv,
    /// The same, a JSON array a line
    Jsonl,
    /// Apache Parquet
    Parquet,
    /// Arrow IPC (Feather)
    Arrow,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Stage {
    /// The evaluation plan: strata, join orders, aggregates
    Plan,
}

/// `RELATION=FILE`
#[derive(Clone, Debug)]
pub(crate) struct FactsFile {
    pub(crate) relation: String,
    pub(crate) file: PathBuf,
}

/// Reads `RELATION=FILE`.
pub(crate) fn facts_file(text: &str) -> Result<FactsFile, String> {
    match text.split_once('=') {
        Some((relation, file)) if !relation.is_empty() && !file.is_empty() => Ok(FactsFile {
            relation: relation.to_owned(),
            file: file.into(),
        }),
        _ => Err("expected a relation and a file, as in edge=edges.csv".to_owned()),
    }
}

fn provenance_name(text: &str) -> Result<String, String> {
    match Provenance::parse(text, None) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => {
            let help = error.diagnostics.first().and_then(|d| d.help.clone());
            Err(help.unwrap_or_else(|| format!("there are {}", Provenance::ALL.join(", "))))
        }
    }
}

fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(k) if k > 0 => Ok(k),
        _ => Err("expected a whole number from 1 on".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn k_belongs_to_topkproofs() {
        let chosen = |args: &[&str]| match Cli::try_parse_from(args).unwrap().command {
            Command::Run(run) => run.provenance.chosen(),
            _ => unreachable!(),
        };
        assert_eq!(chosen(&["nsdl", "run", "f"]), Ok(None));
        assert_eq!(
            chosen(&["nsdl", "run", "f", "-p", "topkproofs", "-k", "5"]),
            Ok(Some(Provenance::TopKProofs { k: 5 }))
        );
        assert!(chosen(&["nsdl", "run", "f", "-p", "exact", "-k", "5"]).is_err());
    }
}
