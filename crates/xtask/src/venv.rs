//! The project's virtual environment, `.venv`: made, filled and given the wheel when needed.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shell::{Result, command, output, root, run};
use crate::tidy::files_under;

/// What the demo and the tests need from PyPI: distribution, and what to ask pip for.
const PACKAGES: [(&str, &str); 7] = [
    // The one version that the tch crate links; the wheel itself works with any torch from 2.4 on.
    ("torch", "torch==2.13.0"),
    ("scikit-learn", "scikit-learn>=1.3"),
    ("matplotlib", "matplotlib>=3.8"),
    ("maturin", "maturin>=1.9.4,<2"),
    ("pytest", "pytest>=8"),
    // The peer whose probabilities the tests compare with, and what it compiles with.
    ("problog", "problog>=2.2"),
    ("pysdd", "pysdd>=1.0"),
];

/// What the wheel is made of.
const SOURCES: [&str; 6] = [
    "Cargo.toml",
    "Cargo.lock",
    "pyproject.toml",
    "crates",
    "grammar",
    "python/nsdl",
];

/// How the extension is compiled.
#[derive(Clone, Copy)]
pub enum Profile {
    /// Shares its artefacts with `cargo test`.
    Dev,
    /// Fast at run time.
    Release,
    /// As `Dev`, with the feature `tch`.
    Tch,
}

/// The virtual environment in `.venv`.
pub struct Venv {
    directory: PathBuf,
}

impl Venv {
    /// Makes it if there is none, and installs what is missing.
    pub fn prepare() -> Result<Venv> {
        let venv = Venv {
            directory: root().join(".venv"),
        };
        if output(command(venv.python()).arg("--version")).is_err() {
            let python = find_python()?;
            println!(
                "making a virtual environment in {} with {python}",
                venv.directory.display()
            );
            run(command(&python)
                .args(["-m", "venv", "--clear"])
                .arg(&venv.directory))
            .map_err(|reason| format!("{reason}; on Debian and Ubuntu, install python3-venv"))?;
        }
        let missing = venv.missing()?;
        if !missing.is_empty() {
            println!(
                "installing {} from PyPI into {}",
                missing.join(", "),
                venv.directory.display()
            );
            if missing.iter().any(|package| package.starts_with("torch")) {
                println!("(torch and its libraries are a download of a few gigabytes on Linux)");
            }
            run(venv
                .pip()
                .args(["install", "--progress-bar", "off"])
                .args(&missing))?;
        }
        Ok(venv)
    }

    /// Builds the wheel and installs it, if a source has changed since the last time.
    pub fn install_nsdl(&self, profile: Profile) -> Result {
        let stamp = self.directory.join("nsdl.stamp");
        let (name, flags): (_, &[&str]) = match profile {
            Profile::Dev => ("dev", &["--profile", "dev"]),
            Profile::Release => ("release", &["--release"]),
            Profile::Tch => (
                "tch",
                // The wheel stays on this machine, whose libtorch it links.
                &[
                    "--profile",
                    "dev",
                    "--features",
                    "tch",
                    "--auditwheel",
                    "skip",
                ],
            ),
        };
        let fingerprint = format!("{name} {:016x}", fingerprint()?);
        if fs::read_to_string(&stamp).is_ok_and(|old| old == fingerprint) && self.has_nsdl() {
            return Ok(());
        }
        println!(
            "building the wheel of nsdl ({name}) and installing it into {}",
            self.directory.display()
        );
        let wheels = root().join("target").join("wheels").join(name);
        // An older wheel beside the new one would leave open which to install.
        let _ = fs::remove_dir_all(&wheels);
        let mut build = command(self.program("maturin"));
        build
            .args(["build", "--quiet", "--interpreter"])
            .arg(self.python())
            .args(flags);
        if let Profile::Tch = profile {
            self.adopt(&mut build)?;
        }
        run(build.arg("--out").arg(&wheels))?;
        let wheel = files_under(&wheels)
            .into_iter()
            .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
            .ok_or_else(|| format!("maturin left no wheel in {}", wheels.display()))?;
        run(self
            .pip()
            .args(["install", "--quiet", "--force-reinstall", "--no-deps"])
            .arg(wheel))?;
        fs::write(&stamp, fingerprint)
            .map_err(|reason| format!("cannot write {}: {reason}", stamp.display()))
    }

    /// Its interpreter.
    pub fn python(&self) -> PathBuf {
        self.program("python")
    }

    /// Sets the variables with which torch-sys finds torch, and pyo3 the interpreter.
    pub fn adopt<'a>(&self, command: &'a mut Command) -> Result<&'a mut Command> {
        let script =
            "import torch, os; print(os.path.join(os.path.dirname(torch.__file__), 'lib'))";
        let libraries = output(Command::new(self.python()).args(["-c", script]))?;
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::iter::once(self.bin()).chain(std::env::split_paths(&path));
        let path = std::env::join_paths(path).map_err(|reason| format!("PATH: {reason}"))?;
        Ok(command
            .env("PATH", path)
            .env("VIRTUAL_ENV", &self.directory)
            .env("PYO3_PYTHON", self.python())
            .env("LIBTORCH_USE_PYTORCH", "1")
            .env("LD_LIBRARY_PATH", libraries.trim())
            .env("DYLD_LIBRARY_PATH", libraries.trim()))
    }

    fn bin(&self) -> PathBuf {
        self.directory
            .join(if cfg!(windows) { "Scripts" } else { "bin" })
    }

    fn program(&self, name: &str) -> PathBuf {
        self.bin().join(name)
    }

    fn pip(&self) -> Command {
        let mut pip = command(self.python());
        pip.args(["-m", "pip", "--disable-pip-version-check"]);
        pip
    }

    /// Requirements that are not met. Only torch has to be of one version.
    fn missing(&self) -> Result<Vec<&'static str>> {
        let script = "import importlib.metadata as m\nfor d in m.distributions(): print(d.name.lower(), d.version)";
        let installed = output(command(self.python()).args(["-c", script]))?;
        let is_met = |name: &str, requirement: &str| {
            installed
                .lines()
                .filter_map(|line| line.split_once(' '))
                .any(|(found, version)| {
                    // A local version such as 2.13.0+cpu is the same release.
                    let release = version.split('+').next().unwrap_or(version);
                    found == name
                        && requirement
                            .split_once("==")
                            .is_none_or(|(_, wanted)| wanted == release)
                })
        };
        Ok(PACKAGES
            .into_iter()
            .filter(|(name, wanted)| !is_met(name, wanted))
            .map(|(_, wanted)| wanted)
            .collect())
    }

    fn has_nsdl(&self) -> bool {
        output(command(self.python()).args(["-c", "import nsdl"])).is_ok()
    }
}

/// A Python of at least 3.10.
fn find_python() -> Result<String> {
    let script = "import sys; sys.exit(sys.version_info < (3, 10))";
    [
        "python3",
        "python",
        "python3.14",
        "python3.13",
        "python3.12",
        "python3.11",
        "python3.10",
    ]
    .into_iter()
    .find(|python| output(command(python).args(["-c", script])).is_ok())
    .map(str::to_owned)
    .ok_or_else(|| {
        "there is no Python of at least 3.10: install python3 and python3-venv".to_owned()
    })
}

/// Changes when a source of the wheel does: names, sizes and times of modification.
fn fingerprint() -> Result<u64> {
    let mut hasher = DefaultHasher::new();
    for source in SOURCES {
        let path = root().join(source);
        let files = if path.is_dir() {
            files_under(&path)
        } else {
            vec![path]
        };
        for file in files.iter().filter(|file| is_source(file)) {
            let metadata =
                fs::metadata(file).map_err(|reason| format!("{}: {reason}", file.display()))?;
            (file, metadata.len(), metadata.modified().ok()).hash(&mut hasher);
        }
    }
    Ok(hasher.finish())
}

fn is_source(path: &Path) -> bool {
    let extension = path
        .extension()
        .and_then(|extension| extension.to_str())
        .unwrap_or_default();
    let own = path
        .components()
        .any(|part| part.as_os_str() == "xtask" || part.as_os_str() == "nsdl-tch");
    !own && !matches!(extension, "pyc" | "so" | "pyd")
}
