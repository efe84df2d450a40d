"""The report on a version: one document from the files in its folder, written in three formats.

version_folder.py   reads the folder        document.py   defines sections and their blocks
sections/           one module a section: reads files, returns a section
renderers/          HTML, Markdown and PDF
compose.py          puts the sections together and publishes <version>/report/
"""
