"""Writes CanonicalMappings.swift: the canonical decompositions of Unicode 9 and which of them compose again.

Run with a Python whose unicodedata is Unicode 14 (3.11), from where the list is cut back: python make_canonical_mappings.py > CanonicalMappings.swift
Every entry is `composed first [second]` in hexadecimal; an entry that starts with `!` never composes again.
Hangul syllables follow from arithmetic and are left out.
"""

import sys
import unicodedata

assert unicodedata.unidata_version == "14.0.0", unicodedata.unidata_version

LATER = {0x11938}  # the one decomposition that came between Unicode 9 and 14

entries = []
for code in range(sys.maxunicode + 1):
    mapping = unicodedata.decomposition(chr(code))
    if not mapping or mapping.startswith("<") or code in LATER:
        continue
    parts = mapping.split()
    text = "".join(chr(int(part, 16)) for part in parts)
    composes = len(parts) == 2 and unicodedata.normalize("NFC", text) == chr(code)
    entries.append(("" if composes else "!") + " ".join(f"{value:X}" for value in [code, *(int(p, 16) for p in parts)]))

print("// Written by make_canonical_mappings.py from Unicode 9; do not edit.")
print()
print("extension CanonicalForm {")
print("    /// `composed first [second]` in hexadecimal, separated by commas; `!` marks what never composes again.")
print("    static let mappings: StaticString = \"\"\"")
lines = [""]
for entry in (entry.replace(" ", "_") for entry in entries):
    if len(lines[-1]) + len(entry) > 108:
        lines.append("")
    lines[-1] += entry + ","
print("\\\n".join("        " + line for line in lines))
print("        \"\"\"")
print("}")
