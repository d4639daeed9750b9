"""The table, and the comparison with an earlier run."""

import json
import os
import time


def number(value):
    """Three or four digits that count."""
    if value is None:
        return ""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def with_unit(value, unit):
    return f"{number(value)} {unit}".strip() if value is not None else ""


def table(rows):
    """Columns as wide as what is in them, the first and the last to the left."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            text.ljust(width) if column in (0, len(row) - 1) else text.rjust(width)
            for column, (text, width) in enumerate(zip(row, widths))
        ]
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "-" * max(map(len, lines)))
    return "\n".join(lines)


def results_table(results):
    rows = [("measured", "value", "target", "reference", "ratio", "")]
    for result in results:
        against = result.target if result.target is not None else result.reference
        sign = "<=" if result.best == "low" else ">="
        rows.append((
            result.title, with_unit(result.value, result.unit),
            f"{sign} {number(result.target)}" if result.target is not None else "", number(result.reference),
            f"{result.value / against:.2f}" if against else "",
            "   ".join(part for part in ("MISSED" if result.is_missed else "", result.remark) if part)))
    return table(rows)


def comparison_table(results, earlier):
    before = {result["key"]: result for result in earlier["results"]}
    rows = [("compared", "before", "now", "now/before", "")]
    for result in results:
        old = before.get(result.key)
        if old is None:
            continue
        ratio = result.value / old["value"] if old["value"] else None
        change = ""
        # What a shared machine does by itself is less than this, mostly.
        if ratio is not None and not 0.8 <= ratio <= 1.25:
            change = "worse" if (ratio > 1) == (result.best == "low") else "better"
        if result.title != old["title"]:
            change = f"{change} (was: {old['title']})".strip()
        rows.append((
            result.title, with_unit(old["value"], old["unit"]), with_unit(result.value, result.unit), number(ratio),
            change))
    return table(rows)


def save(path, machine, options, results, seconds, skipped, failures):
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    document = {
        "format": 1, "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "machine": machine,
        "options": options, "results": [result.as_json() for result in results],
        "seconds": seconds, "skipped": dict(skipped), "broke": failures,
    }
    temporary = f"{path}.tmp"
    with open(temporary, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1)
        file.write("\n")
    os.rename(temporary, path)


def load(path):
    with open(path, encoding="utf-8") as file:
        document = json.load(file)
    if document.get("format") != 1:
        raise ValueError(f"{path}: not a result of this program")
    return document
