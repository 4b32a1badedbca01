"""What several tests of checks share."""


def by_line(findings, *, all_: bool = False) -> dict[int, dict[str, str]]:
    lines: dict[int, dict[str, str]] = {}
    for finding in findings:
        if all_ or finding.verdict != "runs":
            lines.setdefault(finding.spot.line, {})[finding.name.removeprefix("azureml.core.")] = str(finding.verdict)
    return lines
