"""The names of what an assessment leaves, and of the sets that it compares."""

RESULTS, PAGE = "assess.json", "assess.html"
FORMAT_VERSION = 1

GENERATED, COPY, REAL = "generated", "copy", "real"
SETS = (GENERATED, COPY, REAL)
SET_LABELS = {GENERATED: "generated", COPY: "nearest-label copy", REAL: "real, second half"}
REFERENCE, MORE = "reference", "generated_more"
SOURCE_LABELS = {
    REFERENCE: "real (reference)",
    GENERATED: "generated, as many",
    MORE: "generated, 5 draws a condition",
    COPY: "nearest-label copy",
    REAL: "real, second half",
}
