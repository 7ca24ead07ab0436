//! Imports: the files that a program names, and the standard library.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use nsdl_ir::Diagnostic;
use nsdl_syntax::ast::{Ast, Import, ItemKind};

use crate::text::Texts;

/// The modules of the standard library, which every interface has.
pub const LIBRARY: &[(&str, &str)] = &[
    ("std/graph.dl", include_str!("../std/graph.dl")),
    ("std/list.dl", include_str!("../std/list.dl")),
    ("std/string.dl", include_str!("../std/string.dl")),
    ("std/time.dl", include_str!("../std/time.dl")),
];

/// What is loaded. A name space is the aliases that lead to it, each with a dot: `graph.`, or nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Loaded {
    /// Each file once for each name space that it is imported into.
    files: BTreeSet<(PathBuf, String)>,
    /// The file that made each name space.
    aliases: BTreeMap<String, PathBuf>,
}

/// Adds the modules that the tree imports, and those that these import, before it; takes the import items out.
///
/// A path is relative to the file that names it, in `ast` to `folder`. Where there is no such file, `std/…` is a
/// module of the standard library. A module that two files
/// import is loaded once (per alias).
///
/// # Errors
/// `E0212` for a file that cannot be read, `E0213` for a cycle, `E0214` for one alias of two files, and what is
/// wrong with the syntax of the modules.
pub(crate) fn load(
    ast: Ast,
    name: &str,
    folder: &Path,
    texts: &mut Texts,
    loaded: &mut Loaded,
    is_global: &dyn Fn(&str) -> bool,
) -> Result<Vec<Ast>, Vec<Diagnostic>> {
    let file = Path::new(name);
    let file = file.is_file().then(|| identity(file));
    let mut loader = Loader {
        texts,
        loaded,
        is_global,
        open: file.iter().cloned().collect(),
        diagnostics: Vec::new(),
    };
    let trees = loader.imports(ast, folder, "");
    match loader.diagnostics.iter().any(Diagnostic::is_error) {
        true => Err(loader.diagnostics),
        false => Ok(trees),
    }
}

struct Loader<'a> {
    texts: &'a mut Texts,
    loaded: &'a mut Loaded,
    /// Whether a predicate of that name is there for every module.
    is_global: &'a dyn Fn(&str) -> bool,
    /// The files whose imports are being loaded, outermost first.
    open: Vec<PathBuf>,
    diagnostics: Vec<Diagnostic>,
}

impl Loader<'_> {
    /// The trees of all modules that `ast` imports, then its own. `space` is the name space that it stands in.
    fn imports(&mut self, mut ast: Ast, folder: &Path, space: &str) -> Vec<Ast> {
        let mut imports = Vec::new();
        ast.items.retain(|item| match &item.kind {
            ItemKind::Import(import) => {
                imports.push(import.clone());
                false
            }
            _ => true,
        });
        let mut trees = Vec::new();
        for import in imports {
            trees.extend(self.import(&import, folder, space));
        }
        trees.push(ast);
        trees
    }

    fn import(&mut self, import: &Import, folder: &Path, space: &str) -> Vec<Ast> {
        let Some((path, text)) = self.read(import, folder) else {
            return Vec::new();
        };
        if let Some(start) = self.open.iter().position(|open| *open == path) {
            let files: Vec<String> = self.open[start..]
                .iter()
                .chain([&path])
                .map(|it| short(it))
                .collect();
            self.diagnostics.push(
                Diagnostic::error("E0213", "files import each other in a circle")
                    .label(import.path.span, files.join(" → "))
                    .help("move what both need to a file of its own"),
            );
            return Vec::new();
        }
        let space = match &import.alias {
            Some(alias) => format!("{space}{}.", alias.text),
            None => space.to_owned(),
        };
        if let Some(alias) = &import.alias {
            let aliases = &mut self.loaded.aliases;
            let first = aliases.entry(space.clone()).or_insert_with(|| path.clone());
            if *first != path {
                self.diagnostics.push(
                    Diagnostic::error(
                        "E0214",
                        format!("`{}` is the name of two modules", alias.text),
                    )
                    .label(
                        alias.span,
                        format!("`{}` has this name already", short(first)),
                    )
                    .help("choose another name"),
                );
                return Vec::new();
            }
        }
        if !self.loaded.files.insert((path.clone(), space.clone())) {
            return Vec::new();
        }
        let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
        let id = self.texts.add(&short(&path), &text, &folder);
        let (ast, diagnostics) = nsdl_syntax::parse(&text, id);
        self.diagnostics.extend(diagnostics);
        self.open.push(path);
        let mut trees = self.imports(ast, &folder, &space);
        self.open.pop();
        if let Some(alias) = &import.alias {
            nsdl_compile::qualify(&mut trees, &alias.text, self.is_global);
        }
        trees
    }

    /// The file that is meant, and its text.
    fn read(&mut self, import: &Import, folder: &Path) -> Option<(PathBuf, String)> {
        let named = import.path.text.as_str();
        let path = folder.join(named);
        let library = LIBRARY.iter().find(|(name, _)| *name == named);
        match (std::fs::read_to_string(&path), library) {
            (Ok(text), _) => Some((identity(&path), text)),
            (Err(_), Some((name, text))) => Some((PathBuf::from(name), (*text).to_owned())),
            (Err(error), None) => {
                let known = LIBRARY.iter().map(|(name, _)| *name);
                let near = nsdl_compile::did_you_mean(named, known);
                let place = match path.is_absolute() || folder.as_os_str().is_empty() {
                    true => "paths are relative to the file that names them, here to the working directory".to_owned(),
                    false => format!("paths are relative to the file that names them: this one is `{}`", path.display()),
                };
                self.diagnostics.push(
                    Diagnostic::error(
                        "E0212",
                        format!("cannot read the module `{named}`: {error}"),
                    )
                    .label(import.path.span, "imported here")
                    .help(near.unwrap_or(place)),
                );
                None
            }
        }
    }
}

/// One path for a file, however it is named.
fn identity(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_path_buf())
}

/// A path as people write it: relative to the working directory, if it lies there.
fn short(path: &Path) -> String {
    let here = std::env::current_dir().ok().map(|here| identity(&here));
    let inside = here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_path_buf));
    inside
        .unwrap_or_else(|| path.to_path_buf())
        .display()
        .to_string()
}
