"""The files of JavaScript packages that pages load; imports nothing, so that building the package can read it."""

SCRIPTS = ("htmx.org/dist/htmx.min.js", "idiomorph/dist/idiomorph-ext.min.js", "uplot/dist/uPlot.iife.min.js")
STYLES = ("uplot/dist/uPlot.min.css",)
FILES = SCRIPTS + STYLES
