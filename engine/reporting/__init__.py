"""A report of one analysis: what it says is put together once, and written as a web page or as a workbook."""
