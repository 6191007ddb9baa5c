"""The many ways people write what they want to see, as captions of scenes."""

import dataclasses

from numpy.random import Generator

from training.scenes import Scene, Thing

PLACE_PHRASES: dict[str, tuple[str, ...]] = {
    "meadow": (
        "on a meadow",
        "in a meadow",
        "on the grass",
        "in a green field",
        "on a green meadow",
        "meadow",
        "in the countryside",
        "on a sunny meadow",
        "with green hills",
        "on a lawn",
    ),
    "desert": (
        "in the desert",
        "in a desert",
        "on the sand",
        "on sand dunes",
        "desert",
        "in a sandy desert",
        "on a dune",
        "in the hot desert",
    ),
    "sea": (
        "on the sea",
        "at sea",
        "on the ocean",
        "in the water",
        "sea",
        "on the water",
        "in the sea",
        "by the sea",
        "on a blue sea",
        "on the waves",
        "in the ocean",
    ),
    "snow": (
        "in the snow",
        "on snow",
        "in winter",
        "snow",
        "on the snow",
        "in a snowy field",
        "in a snowy landscape",
        "with falling snow",
    ),
    "night": (
        "at night",
        "in the night",
        "by night",
        "night",
        "under the stars",
        "under the moon",
        "on a dark night",
        "in the moonlight",
        "under a starry sky",
    ),
    "sunset": (
        "at sunset",
        "in the sunset",
        "sunset",
        "at dusk",
        "in the evening",
        "at sundown",
        "in front of a sunset",
        "in the evening light",
    ),
}
KIND_WORDS: dict[str, tuple[str, ...]] = {
    "ball": ("ball", "ball", "ball", "sphere"),
    "box": ("box", "box", "box", "cube", "crate"),
    "star": ("star",),
    "tree": ("tree",),
    "house": ("house", "house", "house", "home", "cottage"),
    "boat": ("boat", "boat", "boat", "ship", "sailboat", "sailing boat"),
    "balloon": ("balloon",),
    "mushroom": ("mushroom", "mushroom", "toadstool"),
}
COLOUR_WORDS: dict[str, tuple[str, ...]] = {
    "red": ("red", "red", "red", "crimson", "scarlet"),
    "orange": ("orange",),
    "yellow": ("yellow", "yellow", "yellow", "golden"),
    "green": ("green",),
    "blue": ("blue",),
    "purple": ("purple", "purple", "violet"),
    "pink": ("pink",),
    "white": ("white",),
    "black": ("black",),
    "brown": ("brown",),
}
OPENINGS = (
    "",
    "",
    "",
    "",
    "",
    "a picture of ",
    "an illustration of ",
    "a painting of ",
    "a drawing of ",
    "a photo of ",
    "an image of ",
    "picture of ",
)
FLOURISHES = (
    "beautiful",
    "detailed",
    "highly detailed",
    "masterpiece",
    "best quality",
    "cute",
    "picture book",
    "storybook",
    "illustration",
    "8k",
    "4k",
    "sharp focus",
    "soft light",
    "cinematic",
    "professional",
    "digital art",
    "watercolor",
    "artstation",
    "vivid colors",
    "high resolution",
    "dramatic lighting",
    "photorealistic",
    "intricate",
    "elegant",
    "trending",
    "award winning",
    "studio quality",
    "bokeh",
    "fantasy",
    "concept art",
    "cartoon",
    "children's book",
    "clean lines",
    "ultra realistic",
    "hdr",
    "sharp",
    "depth of field",
    "colorful",
    "simple",
    "lovely",
    "peaceful",
)
SIZES = (
    "",
    "",
    "",
    "",
    "",
    "",
    "big ",
    "small ",
    "little ",
    "large ",
    "shiny ",
    "nice ",
    "cute ",
    "single ",
    "beautiful ",
)


def _pick(rng: Generator, options: tuple[str, ...]) -> str:
    return options[int(rng.integers(len(options)))]


def thing_phrase(rng: Generator, thing: Thing, *, article: bool = True) -> str:
    """ "a big red ball", "red ball": the words for one object."""
    colour, kind = _pick(rng, COLOUR_WORDS[thing.colour]), _pick(rng, KIND_WORDS[thing.kind])
    words = _pick(rng, SIZES) + f"{colour} {kind}"
    if not article:
        return words
    first = "the" if rng.random() < 0.12 else "one" if rng.random() < 0.06 else "an" if words[0] in "aeio" else "a"
    return f"{first} {words}"


def _flourish(rng: Generator, text: str) -> str:
    if rng.random() < 0.3:
        extra = [_pick(rng, FLOURISHES) for _ in range(rng.integers(1, 5))]
        if rng.random() < 0.25:
            extra.append("".join(_pick(rng, tuple("abcdefghijklmnopqrstuvwxyz")) for _ in range(rng.integers(3, 8))))
        text = f"{', '.join(extra)}, {text}" if rng.random() < 0.3 else f"{text}, {', '.join(extra)}"
    if rng.random() < 0.15:
        text = text + "."
    if rng.random() < 0.15:
        text = text[0].upper() + text[1:]
    return text


def left_to_right(scene: Scene) -> list[Thing]:
    return sorted(scene.things, key=lambda thing: thing.x)


def of_scene(rng: Generator, scene: Scene) -> str:
    """A caption of everything in the scene, things left to right, as people read.

    So "a blue boat and a yellow star" says which of them stands where, and a painter need not choose.
    """
    article = rng.random() < 0.7
    names = [thing_phrase(rng, thing, article=article) for thing in left_to_right(scene)]
    place = _pick(rng, PLACE_PHRASES[scene.place])
    if not names:
        return _flourish(rng, _pick(rng, OPENINGS) + place)
    joined = names[0] if len(names) == 1 else ", ".join(names[:-1]) + _pick(rng, (" and ", ", ")) + names[-1]
    style = rng.random()
    if style < 0.6:
        text = f"{joined} {place}" if place.split()[0] in LINKS else f"{joined}, {place}"
    elif style < 0.75:
        text = f"{joined}, {place}"
    elif style < 0.85:
        text = f"{place}, {joined}"
    else:
        return _flourish(rng, _pick(rng, OPENINGS) + joined + " " + SIMPLE[scene.place])
    return _flourish(rng, _pick(rng, OPENINGS) + text)


LINKS = frozenset({"on", "in", "at", "by", "under", "with"})
SIMPLE = {
    "meadow": "on a meadow",
    "desert": "in the desert",
    "sea": "on the sea",
    "snow": "in the snow",
    "night": "at night",
    "sunset": "at sunset",
}


def of_hole(rng: Generator, scene: Scene, thing: Thing) -> str:
    """What one writes to have `thing` painted into a masked part of the scene."""
    words = thing_phrase(rng, thing, article=rng.random() < 0.8)
    choice = rng.random()
    if choice < 0.5:
        return _flourish(rng, words)
    if choice < 0.7:
        return _flourish(rng, f"{words} {SIMPLE[scene.place]}")
    return f"{words}, {of_scene(rng, scene)}"


def of_place(rng: Generator, scene: Scene) -> str:
    """What one writes (or leaves out) when the masked part shows the place alone."""
    choice = rng.random()
    if choice < 0.35:
        return ""
    place = _pick(rng, PLACE_PHRASES[scene.place])
    return _flourish(rng, place) if choice < 0.7 else of_scene(rng, scene)


def plain(scene: Scene) -> str:
    """The one caption that says no more and no less: "a blue boat and a yellow star at night", things left to right."""
    things = left_to_right(scene)
    if not things:
        return ALONE[scene.place]
    names = [f"{'an' if thing.colour[0] in 'aeiou' else 'a'} {thing.colour} {thing.kind}" for thing in things]
    joined = f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
    return f"{joined} {SIMPLE[scene.place]}"


def mirrored(scene: Scene) -> Scene:
    """The scene with left and right changed over; its place is painted from the same seed, not mirrored."""
    things = tuple(dataclasses.replace(thing, x=scene.width - thing.x) for thing in scene.things)
    return dataclasses.replace(scene, things=things)


ALONE = {
    "meadow": "a meadow",
    "desert": "a desert",
    "sea": "the sea",
    "snow": "a field of snow",
    "night": "a night sky",
    "sunset": "a sunset",
}
