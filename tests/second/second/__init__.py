"""A second, independent reading of the documents of hpsb-audit."""
