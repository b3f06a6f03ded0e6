"""Survey tables as streams of Arrow record batches, from FITS, CSV, ECSV, VOTable and Parquet."""

from app.pipeline.readers.detect import open_table
from app.pipeline.readers.table import SurveyTable, ucd_of, unit_of

__all__ = ["SurveyTable", "open_table", "ucd_of", "unit_of"]
