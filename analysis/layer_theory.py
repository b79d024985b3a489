"""Which layers commute with shifts: what holds, where it fails, counterexamples, Jacobians and derivations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from analysis.figures.images import ImageGrid, draw_images
from analysis.figures.matrices import Matrix, draw_matrices
from analysis.figures.style import Words
from analysis.findings import Draft, Drawing, Findings
from analysis.numbers.results import records
from analysis.verdicts.theory import derivations
from analysis.words import Block, Bullets, Paragraph, Text, enumerated, heading, text
from common.files import Arrays

COMPARED = ("layer", "border")
HOLDS = 1e-10
"""Violations up to which a claim holds; a trial with one above it that is not clearly one has failed."""
PICTURED = (
    ("convolution", "circular", "input", "∂y/∂x"),
    ("convolution", "zeros", "input", "∂y/∂x"),
    ("convolution", "zeros", "parameters", "∂y/∂w"),
    ("strided_convolution", "zeros", "input", "∂y/∂x"),
    ("fully_connected", "circular", "input", "∂y/∂x"),
    ("fully_connected", "circular", "parameters", "∂y/∂W"),
    ("channel_bias", "circular", "parameters", "∂y/∂b"),
    ("position_bias", "circular", "parameters", "∂y/∂b"),
)
"""The Jacobians that are drawn: layer, border, with respect to what, and how that is written."""
BORDERS = {
    "circular": "Under circular padding, where shifts let in what leaves on the other side",
    "zeros": "Under zero padding, where shifts let zeros in",
    "zeros_rolled": "Under zero padding, where shifts let in what leaves on the other side",
}
SHORTLY = {
    "circular": "under circular padding",
    "zeros": "under zero padding where zeros enter",
    "zeros_rolled": "under zero padding where what leaves enters again",
}
CLAIM = (
    "The claim: a layer commutes with every shift S by multiples of its stride t, f(S x) = S′ f(x), where S′ shifts by"
    " as many steps divided by t; after a mean over all positions the output does not change at all."
)
EXHAUSTIVE = (
    "For a linear layer, all unit impulses are exhaustive, and what holds is proven for its filter, up to rounding."
    " For others it holds on all inputs that were tried; the derivations, in the answer's page, say why it holds for"
    " all."
)
Row = Mapping[str, Any]


def answer(part: Findings) -> Draft:
    """Return the question's figures, table and verdict."""
    rows = records(part.chosen)
    arrays = {(row["layer"], row["border"]): own for row in rows for own in part.arrays_of(row).values()}
    return Draft(
        "Layer theory: what commutes with shifts",
        [_shortly(rows), Paragraph((CLAIM,)), *_verdict(part, rows), Paragraph((EXHAUSTIVE,))],
        dict(_drawings(part, arrays)),
        {"shifts": _by_shift(arrays)},
        sections={"Derivations": tuple(derivations(partial(_checked, part)))},
    )


def _shortly(rows: list[dict[str, Any]]) -> Paragraph:
    """Return the answer in a sentence: how many layers commute with shifts, by what is at the border."""
    told: list[Text] = []
    for border, where in SHORTLY.items():
        held = [row["val_violation"] <= HOLDS for row in rows if row["border"] == border]
        if held:
            told.append((f"{sum(held)} of {len(held)} {where}",))
    return Paragraph(text("Layers that commute with shifts by multiples of their stride: {}.", enumerated(told)))


def _verdict(part: Findings, rows: list[dict[str, Any]]) -> Iterator[Block]:
    for border, where in BORDERS.items():
        own = [row for row in rows if row["border"] == border]
        holding = [row for row in own if row["val_violation"] <= HOLDS]
        failing = [row for row in own if row["val_violation"] > HOLDS]
        names: list[Text] = [(heading(row["layer"]),) for row in holding]
        if holding:
            yield Paragraph(text("{}, the claim holds for {}.", where, enumerated(names)))
        if failing:
            yield Paragraph(text("{} it fails for (largest violation):", "There" if holding else f"{where},"))
            yield Bullets(tuple(_failure(part, row) for row in failing))
    between = [row for row in rows if row["border"] == "circular" and row.get("val_off_stride", np.nan) > HOLDS]
    if between:
        told: list[Text] = [(f"{heading(row['layer'])} ", part.level(row, "val_off_stride")) for row in between]
        yield Paragraph(
            text("By other steps than multiples of the stride, it fails for (least violation): {}.", enumerated(told))
        )
    yield from _derivatives(part)


def _failure(part: Findings, row: Row) -> Text:
    inside = row.get("val_inside", np.nan)
    if np.isnan(inside):
        where = ""
    elif inside <= HOLDS:
        where = ", and holds where outputs do not see the border"
    else:
        where = ", also where outputs do not see the border"
    return text("{}: {}{}", heading(row["layer"]), part.level(row, "val_violation"), where)


def _derivatives(part: Findings) -> Iterator[Block]:
    """Yield the paragraph on Jacobians, spectra and the converse, whichever were measured."""
    table, told = part.chosen, []
    for name, what in (
        ("jacobian_input", "Jacobians with respect to the input"),
        ("jacobian_parameters", "with respect to the parameters"),
        ("spectrum", "spectra of circular convolutions"),
        ("converse", "the converse"),
    ):
        column = f"val_{name}"
        if column in table and table[column].notna().any():
            worst = records(table.loc[[table[column].idxmax()]])[0]
            told.append(text("{} {}", f"{what}: up to", part.level(worst, column)))
    if told:
        yield Paragraph(
            text("What was derived differs from what is computed by at most rounding. {}.", enumerated(told))
        )


def _checked(part: Findings, layer: str, border: str, measure: str) -> Text | None:
    own = part.chosen[(part.chosen["layer"] == layer) & (part.chosen["border"] == border)]
    column = f"val_{measure}"
    if own.empty or column not in own or own[column].isna().all():
        return None
    (row,) = records(own)
    seeds = part.chosen_seeds
    trial = seeds.loc[(seeds["layer"] == layer) & (seeds["border"] == border), "trial"].iloc[0]
    name = part.results.measures.label(measure)
    return text("{}, {}: {} {} (trial {})", heading(layer), heading(border), name, part.level(row, column), trial[:8])


def _drawings(part: Findings, arrays: Mapping[tuple[str, str], Arrays]) -> Iterator[tuple[str, Drawing]]:
    note = part.note("Random parameters, float64. A difference has a scale of its own.", means=False)
    if grid := _counterexamples(arrays):
        words = Words("Where a layer does not commute with a shift", "", "", note)
        caption = "For each layer that fails, the smallest shift at which it does, on the input where it is worst."
        yield "counterexamples", Drawing(partial(draw_images, [grid], words), caption)
    if maps := [_map(layer, own) for (layer, border), own in arrays.items() if border == "circular" and _fails(own)]:
        note = part.note("White: the claim holds. Each layer has a scale of its own.", means=False)
        words = Words("Largest violation by shift, under circular padding", "", "", note)
        caption = "Rows and columns: by how many pixels the image was shifted, down and right. White: the claim holds."
        yield "by_shift", Drawing(partial(draw_matrices, maps, words), caption)
    if jacobians := list(_jacobians(arrays)):
        note = part.note("Rows: outputs. White: 0. Random parameters; each matrix has a scale of its own.", means=False)
        words = Words("Jacobians of small layers, one channel", "", "", note)
        yield "jacobians", Drawing(partial(draw_matrices, jacobians, words), "Rows: outputs. White: 0.")


def _fails(arrays: Arrays) -> bool:
    return bool(arrays["violations"].max() > HOLDS)


def _counterexamples(arrays: Mapping[tuple[str, str], Arrays]) -> ImageGrid | None:
    """Return the counterexample of each layer, that under zeros first; None where no layer has one."""
    order = sorted(arrays, key=lambda key: list(BORDERS).index(key[1]) == 0)
    found: dict[str, tuple[str, Arrays]] = {}
    for layer, border in order:
        own = arrays[layer, border]
        if "example_output" in own and own["example_output"].ndim == 3:
            found.setdefault(layer, (border, own))
    if not found:
        return None
    rows = [f"{heading(layer)}, {heading(border)}, by {_offset(own)}" for layer, (border, own) in found.items()]
    columns = ["x", "S x", "f(S x)", "S f(x)", "differ"]
    return ImageGrid(np.stack([_panels(own) for _, own in found.values()]), rows, columns, apart=2)


def _offset(own: Arrays) -> str:
    return ", ".join(f"{int(steps)}" for steps in own["example_shift"]).replace("-", "−")


def _panels(own: Arrays) -> np.ndarray:
    """Return the images of a counterexample, [5, H, W] from 0 to 1, of the channel that differs most."""
    output, expected = own["example_output"], own["example_expected"]
    difference = np.abs(output - expected)
    channel = int(difference.max((1, 2)).argmax())
    given = int(np.abs(own["example_input"]).max((1, 2)).argmax())
    inputs = _scaled(own["example_input"][given], own["example_shifted"][given])
    outputs = [*_scaled(output[channel], expected[channel]), *_scaled(difference[channel])]
    enlarged = np.ones((len(inputs[0]) // len(outputs[0]),) * 2)  # a strided layer's outputs are smaller
    return np.stack([*inputs, *(np.kron(image, enlarged) for image in outputs)])


def _scaled(*images: np.ndarray) -> list[np.ndarray]:
    """Return images on one scale from 0 to 1."""
    low, high = min(image.min() for image in images), max(image.max() for image in images)
    return [(image - low) / ((high - low) or 1) for image in images]


def _map(layer: str, own: Arrays) -> Matrix:
    """Return the violations of a layer, by the shift down and to the right."""
    table = pd.DataFrame({"down": own["shifts"][:, 0], "right": own["shifts"][:, 1], "value": own["violations"]})
    table = table.sort_values(["down", "right"])
    square = table.pivot_table(index="down", columns="right", values="value")
    return Matrix(
        square.to_numpy(),
        heading(layer),
        "down",
        "right",
        (table["down"].unique().tolist(), table["right"].unique().tolist()),
    )


def _jacobians(arrays: Mapping[tuple[str, str], Arrays]) -> Iterator[Matrix]:
    for layer, border, name, of in PICTURED:
        if f"jacobian_of_{name}" in arrays.get((layer, border), {}):
            padding = f", {heading(border)}" if "convolution" in layer else ""
            yield Matrix(arrays[layer, border][f"jacobian_of_{name}"], f"{heading(layer)}{padding}: {of}")


def _by_shift(arrays: Mapping[tuple[str, str], Arrays]) -> pd.DataFrame:
    """Return a row for each layer, border and shift."""
    tables = [
        pd.DataFrame(
            {
                "layer": layer, "border": border, "down": own["shifts"][:, 0], "right": own["shifts"][:, 1],
                "multiple_of_stride": own["whole"], "violation": own["violations"], "inside": own["inside"],
            }
        )
        for (layer, border), own in arrays.items()
    ]  # fmt: skip
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
