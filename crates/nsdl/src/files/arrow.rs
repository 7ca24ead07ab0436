//! Arrow IPC: files (Feather) and streams.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, Write};

use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_ipc::CompressionType;
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_ipc::writer::{FileWriter, IpcWriteOptions};
use arrow_schema::ArrowError;
use nsdl_ir::Diagnostic;

use super::columnar;
use super::load::Loader;
use super::open::{cannot_read, damaged};
use super::write::Table;

/// What files begin with, and streams do not.
const MAGIC: &[u8; 6] = b"ARROW1";

pub(super) fn read(mut file: File, loader: &mut Loader<'_>) -> Result<(), Diagnostic> {
    let mut start = Vec::new();
    let peeked = Read::by_ref(&mut file)
        .take(MAGIC.len() as u64)
        .read_to_end(&mut start)
        .and_then(|_| file.rewind());
    peeked.map_err(|error| cannot_read(&loader.file, &error))?;
    let file = BufReader::new(file);
    let name = loader.file.clone();
    let broken = |error: ArrowError| damaged(&name, &error.to_string());
    match start.as_slice() == MAGIC {
        true => batches(FileReader::try_new(file, None).map_err(broken)?, loader),
        false => batches(StreamReader::try_new(file, None).map_err(broken)?, loader),
    }
}

/// Takes all batches of a reader.
pub(super) fn batches(
    reader: impl RecordBatchReader,
    loader: &mut Loader<'_>,
) -> Result<(), Diagnostic> {
    loader.name_columns(columnar::names(&reader.schema()))?;
    let mut before = 0;
    for batch in reader {
        let batch: RecordBatch =
            batch.map_err(|error| damaged(&loader.file, &error.to_string()))?;
        columnar::take(&batch, before, loader)?;
        before += batch.num_rows();
    }
    Ok(())
}

pub(super) fn write(table: &Table<'_>, out: &mut dyn Write) -> io::Result<()> {
    let written = || -> Result<(), ArrowError> {
        let batch = columnar::batch(table)?;
        let options =
            IpcWriteOptions::default().try_with_compression(Some(CompressionType::LZ4_FRAME))?;
        let mut writer = FileWriter::try_new_with_options(out, &batch.schema(), options)?;
        writer.write(&batch)?;
        writer.finish()
    };
    written().map_err(io::Error::other)
}
