//! Files as streams: which format a name means, and gzip.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use nsdl_ir::{Diagnostic, FileFormat, FileOptions};

/// How many bytes are read at once.
const BUFFER: usize = 1 << 16;

/// The format that the name of a file tells.
pub fn format_of(path: &Path) -> Option<FileFormat> {
    FileFormat::from_name(&extension(path).0)
}

/// The extension of a file in small letters, less `.gz`, and whether that was there.
fn extension(path: &Path) -> (String, bool) {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let lower = name.to_ascii_lowercase();
    let (stem, gzip) = match lower.strip_suffix(".gz") {
        Some(stem) => (stem, true),
        None => (lower.as_str(), false),
    };
    let extension = stem.rsplit_once('.').map_or("", |(_, extension)| extension);
    (extension.to_owned(), gzip)
}

/// What kind of file it is.
pub(super) struct Kind {
    pub(super) format: FileFormat,
    pub(super) gzip: bool,
    pub(super) delimiter: u8,
}

impl Kind {
    /// By the options, and by the name where they say nothing.
    pub(super) fn of(path: &Path, options: &FileOptions) -> Result<Self, Diagnostic> {
        let (extension, gzip) = extension(path);
        let Some(format) = options.format.or_else(|| FileFormat::from_name(&extension)) else {
            return Err(Diagnostic::error(
                "E0705",
                format!("`{}`: the name does not tell the format", path.display()),
            )
            .note("known are .csv .tsv .jsonl .ndjson, also with .gz, and .parquet .arrow .feather")
            .help("name the format: `format=\"csv\"`, \"jsonl\", \"parquet\" or \"arrow\""));
        };
        if gzip && matches!(format, FileFormat::Parquet | FileFormat::Arrow) {
            return Err(Diagnostic::error(
                "E0705",
                format!("`{}`: {format} inside gzip", path.display()),
            )
            .help(format!("unpack it: {format} files are compressed inside")));
        }
        if options.delimiter.is_some() && format != FileFormat::Csv {
            return Err(Diagnostic::error(
                "E0705",
                format!("`{}`: a delimiter for {format}", path.display()),
            )
            .help("only CSV files have delimiters"));
        }
        let tab = extension == "tsv";
        Ok(Self {
            format,
            gzip,
            delimiter: options.delimiter.unwrap_or(if tab { b'\t' } else { b',' }),
        })
    }
}

/// The file itself.
pub(super) fn file(path: &Path) -> Result<File, Diagnostic> {
    let file = File::open(path).and_then(|file| match file.metadata()?.is_dir() {
        true => Err(io::Error::from(io::ErrorKind::IsADirectory)),
        false => Ok(file),
    });
    file.map_err(|error| cannot_read(&path.display().to_string(), &error))
}

/// Its bytes, unpacked, without a byte order mark.
pub(super) fn reader(path: &Path, kind: &Kind) -> Result<Box<dyn BufRead>, Diagnostic> {
    let file = BufReader::with_capacity(BUFFER, file(path)?);
    let mut reader: Box<dyn BufRead> = match kind.gzip {
        true => Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(file))),
        false => Box::new(file),
    };
    let mark = reader
        .fill_buf()
        .map_err(|error| cannot_read(&path.display().to_string(), &error))?
        .starts_with(b"\xef\xbb\xbf");
    reader.consume(if mark { 3 } else { 0 });
    Ok(reader)
}

/// Writes a file through `write`, packed if its name says so.
pub(super) fn create(
    path: &Path,
    gzip: bool,
    write: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>,
) -> io::Result<()> {
    let mut file = BufWriter::with_capacity(BUFFER, File::create(path)?);
    if gzip {
        let mut packed = GzEncoder::new(&mut file, Compression::default());
        write(&mut packed)?;
        packed.finish()?;
    } else {
        write(&mut file)?;
    }
    file.flush()
}

/// E0701, or E0710 if what is there is damaged.
pub(super) fn cannot_read(file: &str, error: &io::Error) -> Diagnostic {
    match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof => {
            damaged(file, &error.to_string())
        }
        _ => Diagnostic::error("E0701", format!("cannot read `{file}`: {error}")),
    }
}

/// E0710
pub(super) fn damaged(file: &str, why: &str) -> Diagnostic {
    Diagnostic::error("E0710", format!("`{file}` is damaged: {why}"))
        .help("check that it is whole, and of the format that its name says")
}

/// E0705: a format that this build leaves out.
#[cfg(not(feature = "columnar"))]
pub(super) fn not_built_in(path: &Path, format: FileFormat) -> Diagnostic {
    Diagnostic::error(
        "E0705",
        format!("`{}`: this build of nsdl has no {format}", path.display()),
    )
    .help("build it with the feature `columnar`")
}
