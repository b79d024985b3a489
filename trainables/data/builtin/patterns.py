"""Patterns that textures are made of: one function each, whose parameters a class of textures fixes.

A pattern is painted on a `Canvas` of n crops and returns how much of each pixel has the first of two colours:
[n, 32, 32] in 0 … 1. Lengths are in periods of the pattern. The canvas decides how large a period is, and where, at
what angle and how bent the pattern lies.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

from trainables.data.builtin.brush import SIDE, Brush

CELLS = 32  # random cells repeat after so many, which is more than a crop shows
Pattern = Callable[["Canvas"], torch.Tensor]
Finish = Callable[["Canvas", torch.Tensor], torch.Tensor]
"""A function that turns a quantity that each pixel has, [n, 32, 32], into a pattern."""


class Canvas(Brush):
    """Planes on which n patterns lie, seen through n crops."""

    def __init__(self, generator: torch.Generator, n: int, period: tuple[float, float]) -> None:
        """Take the shortest and the longest period, in pixels."""
        super().__init__(generator, n)
        low, high = map(math.log, period)
        self.pixel = torch.exp(-self.uniform(low, high, 1, 1))
        """Side of a pixel, in periods: [n, 1, 1]."""
        self.u, self.v = self._places()
        """Each pixel's coordinates on the plane, in periods: [n, 32, 32] each."""

    def _places(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw coordinates that are nearly upright, mirrored or not, a little stretched, slanted and bent, with the
        origin anywhere in the crop.

        Each is as likely as its mirror image, so that a mirrored image has the same class.
        """
        down, right = torch.meshgrid(*[torch.arange(SIDE) + 0.5] * 2, indexing="ij")
        bend = self.uniform(0, 1.2, 1, 1, 1) * self.smooth(4, 2)
        x = right + bend[:, 0] - self.uniform(0, SIDE, 1, 1)
        y = down + bend[:, 1] - self.uniform(0, SIDE, 1, 1)
        angle = self.uniform(-0.5, 0.5, 1, 1)
        slant = self.uniform(-0.15, 0.15, 1, 1)
        stretch = torch.exp(self.uniform(-0.12, 0.12, 1, 1))
        mirror = 2 * self.some(0.5)[:, 0] - 1
        cos, sin = torch.cos(angle), torch.sin(angle)
        u, v = x * cos - y * sin, x * sin + y * cos
        return mirror * (u + slant * v) * stretch * self.pixel, v / stretch * self.pixel

    def inside(self, distance: torch.Tensor) -> torch.Tensor:
        """Return how much of each pixel lies in a shape, given the distance of its edge (negative inside the shape)."""
        return (0.5 - distance / self.pixel).clamp(0, 1)

    def numbers(self, count: int) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
        """Draw `count` random numbers in 0 … 1 for each unit cell, and return a function that looks them up.

        It takes the cells' columns and rows, [n, 32, 32] each, and returns [count, n, 32, 32].
        """
        table = self.uniform(0, 1, count, CELLS * CELLS)

        def lookup(column: torch.Tensor, row: torch.Tensor) -> torch.Tensor:
            cell = (row.long() % CELLS * CELLS + column.long() % CELLS).flatten(1)[:, None]
            found: torch.Tensor = table.gather(2, cell.expand(-1, count, -1)).unflatten(2, (SIDE, SIDE))
            return found.transpose(0, 1)

        return lookup

    def waves(self, frequency: torch.Tensor, angle: torch.Tensor) -> torch.Tensor:
        """Return w plane waves of variance 1 and random phases, [n, w, 32, 32]; frequencies and angles are
        [n or 1, w, 1, 1]."""
        phase = self.uniform(0, 2 * math.pi, angle.shape[1], 1, 1)
        along = self.u[:, None] * torch.cos(angle) + self.v[:, None] * torch.sin(angle)
        return math.sqrt(2) * torch.cos(2 * math.pi * frequency * along + phase)


def _round(x: torch.Tensor) -> torch.Tensor:
    """Return the distance from the nearest whole number."""
    return (x - x.round()).abs()


# Stripes: a path tells how many stripes lie between each pixel and the origin; a profile is what is seen across one.


def straight(canvas: Canvas) -> torch.Tensor:
    return canvas.u


def wavy(canvas: Canvas) -> torch.Tensor:
    return canvas.u + 0.2 * torch.sin(2 * math.pi * canvas.v / 2.2)


def zigzag(canvas: Canvas) -> torch.Tensor:
    return canvas.u + 1.6 * _round(canvas.v / 1.6)


def circular(canvas: Canvas) -> torch.Tensor:
    return torch.hypot(canvas.u, canvas.v)


def spiral(canvas: Canvas) -> torch.Tensor:
    """Return a path with two spiral arms."""
    return circular(canvas) + torch.atan2(canvas.v, canvas.u) / math.pi


def radial(canvas: Canvas) -> torch.Tensor:
    """Return a path with fourteen rays."""
    return 7 * torch.atan2(canvas.v, canvas.u) / math.pi


def marbled(canvas: Canvas) -> torch.Tensor:
    return canvas.u + 0.045 / canvas.pixel * canvas.smooth(5)[:, 0]


def lines(canvas: Canvas, t: torch.Tensor) -> torch.Tensor:
    return canvas.inside(_round(t) - 0.12)


def bars(canvas: Canvas, t: torch.Tensor) -> torch.Tensor:
    return canvas.inside(_round(t) - 0.25)


def double_lines(canvas: Canvas, t: torch.Tensor) -> torch.Tensor:
    return canvas.inside((_round(t) - 0.19).abs() - 0.08)


def ramps(canvas: Canvas, t: torch.Tensor) -> torch.Tensor:
    return t - t.floor()


def crossed(degrees: float, profile: Finish, canvas: Canvas) -> torch.Tensor:
    """Paint two sets of straight stripes; where only one of them lies, the two colours are mixed in halves."""
    angle = math.radians(degrees)
    other = canvas.u * math.cos(angle) + canvas.v * math.sin(angle)
    return (profile(canvas, canvas.u) + profile(canvas, other + canvas.uniform(0, 1, 1, 1))) / 2


# A shape tells how far a place is from its edge, given the place relative to its middle; a layout gives that place.

Shape = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
Layout = Callable[[Canvas], tuple[torch.Tensor, torch.Tensor]]


def disc(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return torch.hypot(x, y) - 0.3


def box(wide: float, high: float) -> Shape:
    return lambda x, y: torch.maximum(x.abs() - wide, y.abs() - high)


def lozenge(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return (1.7 * x.abs() + y.abs() - 0.42) / 1.97


def cross(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return torch.minimum(box(0.1, 0.36)(x, y), box(0.36, 0.1)(x, y))


def triangle(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return torch.maximum(0.866 * x.abs() + 0.5 * y, -y) - 0.19


def star(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return torch.hypot(x, y) - 0.27 - 0.13 * torch.cos(5 * torch.atan2(y, x))


def crescent(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return torch.maximum(torch.hypot(x, y) - 0.36, 0.32 - torch.hypot(x - 0.2, y))


def hook(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return the distance from a right angle's edge."""
    return torch.minimum(box(0.3, 0.09)(x - 0.02, y + 0.2), box(0.09, 0.3)(x + 0.2, y - 0.02))


def rows(canvas: Canvas) -> tuple[torch.Tensor, torch.Tensor]:
    return canvas.u - canvas.u.round(), canvas.v - canvas.v.round()


def staggered(canvas: Canvas) -> tuple[torch.Tensor, torch.Tensor]:
    u = canvas.u + 0.5 * (canvas.v.round() % 2)
    return u - u.round(), canvas.v - canvas.v.round()


def scattered(canvas: Canvas) -> tuple[torch.Tensor, torch.Tensor]:
    """Place shapes in rows, each turned and moved a little at random."""
    turn, right, down = canvas.numbers(3)(canvas.u.round(), canvas.v.round())
    x, y = rows(canvas)
    x, y = x + 0.24 * (right - 0.5), y + 0.24 * (down - 0.5)
    cos, sin = torch.cos(2 * math.pi * turn), torch.sin(2 * math.pi * turn)
    return x * cos - y * sin, x * sin + y * cos


def filled(canvas: Canvas, distance: torch.Tensor) -> torch.Tensor:
    return canvas.inside(distance)


def outlined(canvas: Canvas, distance: torch.Tensor) -> torch.Tensor:
    return canvas.inside((distance + 0.04).abs() - 0.07)


def thickly_outlined(canvas: Canvas, distance: torch.Tensor) -> torch.Tensor:
    return canvas.inside((distance + 0.08).abs() - 0.08)


def repeated(shape: Shape, layout: Layout, canvas: Canvas) -> torch.Tensor:
    return shape(*layout(canvas))


def checks(canvas: Canvas) -> torch.Tensor:
    u, v = _round(canvas.u) - 0.25, _round(canvas.v) - 0.25
    return canvas.inside(torch.maximum(torch.minimum(u, v), -torch.maximum(u, v)))


def bricks(canvas: Canvas) -> torch.Tensor:
    """Paint the mortar between bricks that are two periods wide and one high."""
    u = canvas.u / 2 + 0.5 * (canvas.v.floor() % 2)
    return canvas.inside(torch.minimum(_round(canvas.v), 2 * _round(u)) - 0.07)


def scales(canvas: Canvas) -> torch.Tensor:
    """Paint the edges of discs in rows, each row over the upper half of the next."""
    drawn = torch.zeros_like(canvas.u)
    for above in (1, 0, -1):
        row = (2 * canvas.v).floor() - above
        u = canvas.u + 0.5 * (row % 2)
        distance = torch.hypot(u - u.round(), canvas.v - row / 2) - 0.5
        drawn = drawn + canvas.inside(distance) * (canvas.inside(-distance - 0.1) - drawn)
    return drawn


# Cells about random points (S. Worley, "A cellular texture basis function", 1996), by one of three distances.


def _cells(metric: Shape, canvas: Canvas) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return distances from the nearest and the second nearest point, and a random number that the nearest point has.

    Each is [n, 32, 32]; the number is in 0 … 1.
    """
    first = torch.full_like(canvas.u, 9)
    second = torch.full_like(canvas.u, 9)
    own = torch.zeros_like(canvas.u)
    column = canvas.u.floor()
    row = canvas.v.floor()
    numbers = canvas.numbers(3)
    for right in (-1, 0, 1):
        for down in (-1, 0, 1):
            u, v, number = numbers(column + right, row + down)
            x = column + right + 0.1 + 0.8 * u - canvas.u
            y = row + down + 0.1 + 0.8 * v - canvas.v
            distance = metric(x.abs(), y.abs())
            own = torch.where(distance < first, number, own)
            second = torch.minimum(second, torch.maximum(first, distance))
            first = torch.minimum(first, distance)
    return first, second, own


def walls(metric: Shape, canvas: Canvas) -> torch.Tensor:
    first, second, _ = _cells(metric, canvas)
    return canvas.inside((second - first) / 2 - 0.07)


def domes(metric: Shape, canvas: Canvas) -> torch.Tensor:
    return (1.25 * _cells(metric, canvas)[0]).clamp(0, 1)


def mosaic(metric: Shape, canvas: Canvas) -> torch.Tensor:
    return _cells(metric, canvas)[2]


# Noise: sums of plane waves, of variance about 1, and finishes that turn them into patterns.


def blobs(canvas: Canvas) -> torch.Tensor:
    frequency = canvas.uniform(0.8, 1.2, 16, 1, 1)
    angle = canvas.uniform(0, 2 * math.pi, 16, 1, 1)
    return canvas.waves(frequency, angle).sum(1) / 4


def grain(canvas: Canvas) -> torch.Tensor:
    """Return noise whose streaks run one way."""
    frequency = canvas.uniform(0.3, 1.7, 16, 1, 1)
    angle = canvas.uniform(-0.2, 0.2, 16, 1, 1)
    return canvas.waves(frequency, angle).sum(1) / 4


def clouds(canvas: Canvas) -> torch.Tensor:
    """Paint noise whose amplitudes are inverse to frequencies, as in photographs."""
    frequency = torch.exp(canvas.uniform(math.log(0.2), math.log(3), 24, 1, 1))
    waves = canvas.waves(frequency, canvas.uniform(0, 2 * math.pi, 24, 1, 1))
    return torch.sigmoid(0.18 * (waves / frequency).sum(1))


def rosettes(order: int, canvas: Canvas) -> torch.Tensor:
    """Return the sum of `order` waves in evenly spaced directions: hexagons for 3, a quasi-crystal for 5."""
    angle = (torch.arange(order) * math.pi / order).view(1, order, 1, 1)
    return canvas.waves(torch.ones_like(angle), angle).sum(1) / math.sqrt(order)


def soft(canvas: Canvas, x: torch.Tensor) -> torch.Tensor:
    return torch.sigmoid(1.5 * x)


def hard(canvas: Canvas, x: torch.Tensor) -> torch.Tensor:
    return canvas.inside(-0.25 * x)


def ridged(canvas: Canvas, x: torch.Tensor) -> torch.Tensor:
    return 1 - (1.2 * x.abs()).clamp(0, 1)


def spotted(canvas: Canvas, x: torch.Tensor) -> torch.Tensor:
    return canvas.inside(0.25 - 0.25 * x)
