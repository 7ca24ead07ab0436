//! Apache Parquet.

use std::fs::File;
use std::io::{self, Write};

use nsdl_ir::Diagnostic;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::load::Loader;
use super::open::damaged;
use super::write::Table;
use super::{arrow, columnar};

pub(super) fn read(file: File, loader: &mut Loader<'_>) -> Result<(), Diagnostic> {
    let name = loader.file.clone();
    let broken = |error: ParquetError| damaged(&name, &error.to_string());
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(broken)?;
    arrow::batches(builder.build().map_err(broken)?, loader)
}

pub(super) fn write(table: &Table<'_>, out: &mut (dyn Write + Send)) -> io::Result<()> {
    let written = || -> Result<(), ParquetError> {
        let batch = columnar::batch(table)?;
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY);
        let mut writer = ArrowWriter::try_new(out, batch.schema(), Some(properties.build()))?;
        writer.write(&batch)?;
        writer.close().map(drop)
    };
    written().map_err(io::Error::other)
}
