//! Arrow's columns, which Parquet files are read into and written from too.

use std::sync::Arc;

use arrow_array::builder::{BooleanBuilder, StringBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, ArrayRef, PrimitiveArray, RecordBatch};
use arrow_schema::{ArrowError, DataType, Field, Schema};
use nsdl_ir::{Diagnostic, Symbols, Type, Value};
use nsdl_syntax::parse_field;

use super::load::{Fault, Loader, Row};
use super::write::{Table, plain};
use crate::convert::{Misfit, convert};

/// Takes the rows of a batch, of which `before` rows of the file come first.
pub(super) fn take(
    batch: &RecordBatch,
    before: usize,
    loader: &mut Loader<'_>,
) -> Result<(), Diagnostic> {
    let columns = batch.columns().iter().map(unpacked);
    let columns: Vec<ArrayRef> = columns
        .collect::<Result<_, ArrowError>>()
        .map_err(|error| super::open::damaged(&loader.file, &error.to_string()))?;
    for row in 0..batch.num_rows() {
        loader.row(&Cells {
            columns: &columns,
            row,
            number: before + row + 1,
        })?;
    }
    Ok(())
}

/// The names of the columns.
pub(super) fn names(schema: &Schema) -> Vec<String> {
    let fields = schema.fields().iter();
    fields.map(|field| field.name().clone()).collect()
}

/// A dictionary as the column that it stands for.
fn unpacked(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    match column.as_any_dictionary_opt() {
        Some(dictionary) => {
            arrow_select::take::take(dictionary.values().as_ref(), dictionary.keys(), None)
        }
        None => Ok(column.clone()),
    }
}

struct Cells<'a> {
    columns: &'a [ArrayRef],
    row: usize,
    number: usize,
}

impl Row for Cells<'_> {
    fn width(&self) -> usize {
        self.columns.len()
    }

    fn value(&self, column: usize, ty: Type, symbols: &Symbols) -> Result<Option<Value>, Fault> {
        let Some(column) = self.columns.get(column) else {
            return Ok(None);
        };
        if column.is_null(self.row) {
            return Ok(None);
        }
        let Some(found) = cell(column.as_ref(), self.row) else {
            let shown = format!("a value of Arrow's type {}", column.data_type());
            return Err(Fault::new(shown, "numbers, bools and text can be read"));
        };
        let textual = matches!(ty, Type::String | Type::Symbol | Type::Char);
        let number = ty.is_number() && !matches!(ty, Type::I128 | Type::U128);
        let fault = |note: &str| Fault::new(plain(&found), note);
        match &found {
            // What Arrow has no type for is written as text.
            Value::String(text) if !textual && !number && ty != Type::Bool => {
                parse_field(text, ty, symbols).map_err(|why| Fault::parsed(text, why))
            }
            value => convert(value, ty).map_err(|why| match why {
                Misfit::Kind => fault(&format!("its column is of type {}", column.data_type())),
                Misfit::Range => fault("it is out of range"),
                Misfit::NaN => fault("relations hold numbers only, NaN is none"),
            }),
        }
        .map(Some)
    }

    fn place(&self) -> String {
        format!(" row {}", self.number)
    }

    fn cell(&self) -> &'static str {
        "column"
    }
}

/// A cell that is there; `None` for types that nothing here stands for.
fn cell(column: &dyn Array, row: usize) -> Option<Value> {
    macro_rules! number {
        ($arrow:ty, $value:ident) => {
            Value::$value(column.as_primitive::<$arrow>().value(row))
        };
    }
    Some(match column.data_type() {
        DataType::Int8 => number!(Int8Type, I8),
        DataType::Int16 => number!(Int16Type, I16),
        DataType::Int32 => number!(Int32Type, I32),
        DataType::Int64 => number!(Int64Type, I64),
        DataType::UInt8 => number!(UInt8Type, U8),
        DataType::UInt16 => number!(UInt16Type, U16),
        DataType::UInt32 => number!(UInt32Type, U32),
        DataType::UInt64 => number!(UInt64Type, U64),
        DataType::Float16 => Value::F32(column.as_primitive::<Float16Type>().value(row).into()),
        DataType::Float32 => number!(Float32Type, F32),
        DataType::Float64 => number!(Float64Type, F64),
        DataType::Decimal128(_, 0) => number!(Decimal128Type, I128),
        DataType::Boolean => Value::Bool(column.as_boolean().value(row)),
        DataType::Utf8 => Value::String(column.as_string::<i32>().value(row).into()),
        DataType::LargeUtf8 => Value::String(column.as_string::<i64>().value(row).into()),
        DataType::Utf8View => Value::String(column.as_string_view().value(row).into()),
        _ => return None,
    })
}

/// A table as a batch of columns.
pub(super) fn batch(table: &Table<'_>) -> Result<RecordBatch, ArrowError> {
    let mut fields = Vec::new();
    let mut columns: Vec<ArrayRef> = Vec::new();
    if let Some(name) = &table.tag {
        let tags = table.rows.iter().map(|(tag, _)| tag.probability());
        fields.push(Field::new(name, DataType::Float64, false));
        columns.push(Arc::new(PrimitiveArray::<Float64Type>::from_iter_values(
            tags,
        )));
    }
    for (at, (name, &ty)) in table.names.iter().zip(table.types).enumerate() {
        let values = table.rows.iter().filter_map(|(_, row)| row.get(at));
        let column = column(values, ty);
        fields.push(Field::new(name, column.data_type().clone(), false));
        columns.push(column);
    }
    // Without columns, only this tells how many rows there are.
    let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(table.rows.len()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
}

fn column<'a>(values: impl Iterator<Item = &'a Value>, ty: Type) -> ArrayRef {
    macro_rules! integers {
        ($arrow:ty) => {{
            let words = values.map(|value| value.as_i128().unwrap_or_default() as _);
            Arc::new(PrimitiveArray::<$arrow>::from_iter_values(words))
        }};
    }
    match ty {
        Type::I8 => integers!(Int8Type),
        Type::I16 => integers!(Int16Type),
        Type::I32 => integers!(Int32Type),
        Type::I64 | Type::Isize => integers!(Int64Type),
        Type::U8 => integers!(UInt8Type),
        Type::U16 => integers!(UInt16Type),
        Type::U32 => integers!(UInt32Type),
        Type::U64 | Type::Usize => integers!(UInt64Type),
        Type::F32 => Arc::new(PrimitiveArray::<Float32Type>::from_iter_values(values.map(
            |value| match value {
                Value::F32(value) => *value,
                _ => f32::NAN,
            },
        ))),
        Type::F64 => Arc::new(PrimitiveArray::<Float64Type>::from_iter_values(values.map(
            |value| match value {
                Value::F64(value) => *value,
                _ => f64::NAN,
            },
        ))),
        Type::Bool => {
            let mut column = BooleanBuilder::new();
            values.for_each(|value| column.append_value(matches!(value, Value::Bool(true))));
            Arc::new(column.finish())
        }
        _ => {
            let mut column = StringBuilder::new();
            values.for_each(|value| column.append_value(plain(value)));
            Arc::new(column.finish())
        }
    }
}
