"""The report on a version: one document, composed of what is in its folder, written three ways.

source.py      reads the folder           document.py    the vocabulary of sections
summary.py … provenance.py                a section each: files in, section out
html.py markdown.py pdf.py                the three ways
compose.py     the spine: all of it, published as <version>/report/
"""
