"""What trains Lazuli Mini: groups of rows, each a scene with its caption or an edit pair with its instruction.

Row `i` of a group depends on the group's name and `i` only. Some combinations never train, so that evaluation can ask
for them: `held_cell` (a thing in the flat style), `held_hue` (a thing in a colour), `held_pair` (two things in one
picture).
"""
import functools

import world
from objects import IRREGULAR, THINGS, article, several
from world import BACKGROUNDS, COLOURS, HUES, SETTINGS, STYLES, code, generator

# Things keep one size where there are several, so that a place is all that tells them apart.
SMALL, USUAL, BIG = 56, 88, 112
SMALLER = {"small": ("small", "tiny", "little"), "big": ("big", "large", "huge")}
PLACES = {
    "on the left": (32, 64), "on the right": (96, 64), "at the top": (64, 32), "at the bottom": (64, 96),
    "in the top left corner": (32, 32), "in the top right corner": (96, 32),
    "in the bottom left corner": (32, 96), "in the bottom right corner": (96, 96),
}
SPOTS = {2: ((32, 64), (96, 64)), 3: ((32, 32), (96, 32), (64, 96)), 4: ((32, 32), (96, 32), (32, 96), (96, 96))}
NUMBERS = {2: "two", 3: "three", 4: "four"}
SETTING_WORDS = {
    "grass": ("on grass", "on the grass", "in a meadow"),
    "sand": ("on sand", "on the beach", "on a sandy beach"),
    "snow": ("in the snow", "on snow", "on a snowy field"),
    "night sky": ("in the night sky", "at night under the stars", "in a night sky with stars"),
    "room": ("in a room", "in a living room", "indoors"),
}


def held_cell(thing, style):
    return style == "flat" and not THINGS[thing].first_world and code("cell", THINGS[thing].corpus) % 20 == 0


def held_hue(thing, hue):
    return code("hue", THINGS[thing].corpus, hue) % 5 == 0


def held_pair(a, b):
    """Pairs of the first world have all been seen."""
    names = sorted((THINGS[a].corpus, THINGS[b].corpus))
    return not (THINGS[a].first_world and THINGS[b].first_world) and code("pair", *names) % 20 == 0


CELLS = [(i, style) for i in range(len(THINGS)) for style in STYLES if not held_cell(i, style)]
HELD_CELLS = [(i, style) for i in range(len(THINGS)) for style in STYLES if held_cell(i, style)]


@functools.lru_cache(None)
def hues(thing):
    """Colours a thing can take: those at some distance from its own, where both drawings have one colour."""
    own = [world.hue(thing, style) for style in STYLES]
    if None in own or (THINGS[thing].corpus.endswith("heart") and THINGS[thing].corpus != "red heart"):
        return ()
    if THINGS[thing].corpus == "green apple":
        return ()
    return tuple(name for name, hue in HUES.items() if all(abs((hue - o + 0.5) % 1 - 0.5) > 0.08 for o in own))


@functools.lru_cache(None)
def recolourable():
    return [i for i in range(len(THINGS)) if hues(i)]


# Words

def call(rng, thing, adjective=""):
    """The thing with its article and maybe an adjective; one of its names, the first one six times in ten."""
    names = THINGS[thing].names
    noun = adjective + (names[0] if rng.random() < 0.6 else rng.choice(names))
    return noun if THINGS[thing].plural else article(noun)


def coloured(thing, hue):
    noun = f"{hue} {THINGS[thing].bare}"
    return noun if THINGS[thing].plural else article(noun)


def the(rng, thing):
    """The thing in an instruction."""
    names = THINGS[thing].names
    return "the " + (names[0] if rng.random() < 0.6 else rng.choice(names))


def ground(rng, name):
    """Words for a background, beginning with a blank or a comma."""
    if name in SETTINGS:
        return " " + rng.choice(SETTING_WORDS[name])
    return rng.choices([f" on {article(name)} background", f" with {article(name)} background",
                        f", {name} background", f" on {name}"], [6, 2, 2, 1])[0]


def captioned(rng, scene, body):
    """The scene with its caption; white and the first style are what no word means."""
    caption = body
    if scene["background"] != "white" or rng.random() < 0.5:
        caption += ground(rng, scene["background"])
    if scene["style"] != "3d" or rng.random() < 0.4:
        caption += rng.choice([f", {scene['style']} style", f" in {scene['style']} style"])
    return dict(target=scene, text=caption)


# Scenes

def at(thing, size=SMALL, place=(64, 64), **more):
    return dict(thing=thing, size=size, x=place[0], y=place[1], **more)


def of(style, background, *objects):
    return dict(style=style, background=background, objects=list(objects))


def any_background(rng):
    return rng.choice(SETTINGS) if rng.random() < 0.2 else rng.choice(list(COLOURS))


def plain_size(background):
    """A lone thing stands in the middle; in a setting a little lower."""
    return (64, 72) if background in SETTINGS else (64, 64)


def plain(rng, index):
    """Every cell on every background and in every setting in turn, one size, one place."""
    thing, style = CELLS[index % len(CELLS)]
    background = BACKGROUNDS[(index // len(CELLS) + 4 * thing) % len(BACKGROUNDS)]
    noun = call(rng, thing)
    body = rng.choices([noun, f"the {THINGS[thing].name}", THINGS[thing].name, f"a picture of {noun}"], [14, 1, 2, 2])[0]
    return captioned(rng, of(style, background, at(thing, USUAL, plain_size(background))), body)


def placed(rng, index):
    """One thing, small or big or somewhere else."""
    thing, style = rng.choice(CELLS)
    kind, background = rng.choice(["size", "place", "shift"]), any_background(rng)
    if kind == "size":
        size = rng.choice(["small", "big"])
        body = call(rng, thing, rng.choice(SMALLER[size]) + " ")
        item = at(thing, SMALL if size == "small" else BIG)
    elif kind == "place":
        place = rng.choice(list(PLACES))
        body, item = f"{call(rng, thing)} {place}", at(thing, SMALL, PLACES[place])
    else:
        body, item = call(rng, thing), at(thing, USUAL, (64 + rng.choice([-8, 0, 8]), 64 + rng.choice([-8, 8])))
    return captioned(rng, of(style, background, item), body)


def hued(rng, index, held=False):
    """One thing in a colour that is not its own, or never trained in if `held`."""
    while True:
        thing, style = rng.choice(recolourable()), rng.choice(list(STYLES))
        hue = rng.choice(hues(thing))
        if held_hue(thing, hue) == held and not held_cell(thing, style):
            break
    background = rng.choice([name for name in BACKGROUNDS if name != hue])
    return captioned(rng, of(style, background, at(thing, USUAL, plain_size(background), hue=hue)), coloured(thing, hue))


def couple(rng, held=False):
    """Two different things that may train together, or may not if `held`, and a style both have."""
    while True:
        style = rng.choice(list(STYLES))
        a, b = rng.sample(range(len(THINGS)), 2)
        if held_pair(a, b) == held and not (held_cell(a, style) or held_cell(b, style)):
            return a, b, style


def joined(rng, first, second, beside):
    """Words for two things, `first` left of or above `second`."""
    if beside:
        return rng.choice([f"{first} and {second}", f"{first} next to {second}", f"{first} to the left of {second}",
                           f"{second} to the right of {first}", f"{first} on the left and {second} on the right",
                           f"{first} left of {second}", f"{second} right of {first}"])
    return rng.choice([f"{first} above {second}", f"{second} below {first}", f"{first} over {second}",
                       f"{second} under {first}", f"{first} at the top and {second} at the bottom"])


def pairs(rng, index, held=False):
    """Two different things side by side, or one above the other."""
    a, b, style = couple(rng, held)
    beside = rng.random() < 0.7
    spots = SPOTS[2] if beside else ((64, 32), (64, 96))
    body = joined(rng, call(rng, a), call(rng, b), beside)
    return captioned(rng, of(style, any_background(rng), at(a, place=spots[0]), at(b, place=spots[1])), body)


def hued_pairs(rng, index):
    """Two different things side by side, one or both in a colour that is not its own."""
    while True:
        a, b, style = couple(rng)
        which = [rng.random() < 0.7, rng.random() < 0.7]
        chosen = [rng.choice(hues(thing)) if on and hues(thing) else None for thing, on in zip((a, b), which)]
        if any(chosen) and not any(hue and held_hue(thing, hue) for thing, hue in zip((a, b), chosen)):
            break
    items = [at(thing, place=spot, **(dict(hue=hue) if hue else {}))
             for thing, spot, hue in zip((a, b), SPOTS[2], chosen)]
    words = [coloured(thing, hue) if hue else call(rng, thing) for thing, hue in zip((a, b), chosen)]
    background = rng.choice([name for name in BACKGROUNDS if name not in chosen])
    return captioned(rng, of(style, background, *items), joined(rng, *words, True))


def triples(rng, index, held=False):
    """Three different things, two above the third; the upper two never trained together if `held`."""
    while True:
        a, b, style = couple(rng, held)
        c = rng.randrange(len(THINGS))
        if c not in (a, b) and not (held_cell(c, style) or held_pair(a, c) or held_pair(b, c)):
            break
    first, second, third = (call(rng, thing) for thing in (a, b, c))
    body = rng.choice([f"{first}, {second} and {third}", f"{first} and {second} above {third}",
                       f"{third} below {first} and {second}"])
    items = (at(thing, place=spot) for thing, spot in zip((a, b, c), SPOTS[3]))
    return captioned(rng, of(style, any_background(rng), *items), body)


def counted(rng, index):
    """Two, three or four of one thing."""
    thing, style = rng.choice([cell for cell in CELLS if not THINGS[cell[0]].plural])
    number = rng.choice(list(NUMBERS))
    scene = of(style, any_background(rng), *(at(thing, place=spot) for spot in SPOTS[number]))
    return captioned(rng, scene, f"{NUMBERS[number]} {several(THINGS[thing].name)}")


# Edits

def single(rng):
    """A scene of one thing, somewhere."""
    thing, style = rng.choice(CELLS)
    background = any_background(rng)
    if rng.random() < 0.75:
        return of(style, background, at(thing, USUAL, plain_size(background)))
    return of(style, background, at(thing, SMALL, rng.choice(list(PLACES.values()))))


def double(rng):
    a, b, style = couple(rng)
    spots = SPOTS[2] if rng.random() < 0.7 else ((64, 32), (64, 96))
    return of(style, any_background(rng), at(a, place=spots[0]), at(b, place=spots[1]))


def changed(scene, **more):
    return dict(scene, **more)


def background_edit(rng):
    source = single(rng) if rng.random() < 0.7 else double(rng)
    name = rng.choice([b for b in BACKGROUNDS if b != source["background"]])
    if name in SETTINGS:
        words = rng.choice(SETTING_WORDS[name])
        text = rng.choice([f"put it {words}", f"move the scene {words}" if len(source["objects"]) > 1 else f"show it {words}"])
    else:
        text = rng.choice([f"change the background to {name}", f"make the background {name}",
                           f"put it on {article(name)} background"])
    return source, changed(source, background=name), text


def grey_edit(rng):
    source = single(rng) if rng.random() < 0.7 else double(rng)
    return source, changed(source, grey=True), rng.choice(["make it greyscale", "make it black and white",
                                                           "remove the colours"])


def mirror_edit(rng):
    source = single(rng) if rng.random() < 0.6 else double(rng)
    return source, changed(source, mirror=True), rng.choice(["mirror it", "flip it horizontally", "mirror the picture"])


def hue_edit(rng):
    while True:
        thing, style = rng.choice(recolourable()), rng.choice(list(STYLES))
        hue = rng.choice(hues(thing))
        if not held_hue(thing, hue) and not held_cell(thing, style):
            break
    background = any_background(rng)
    source = of(style, background, at(thing, USUAL, plain_size(background)))
    target = changed(source, objects=[dict(source["objects"][0], hue=hue)])
    noun = "the " + THINGS[thing].bare
    return source, target, rng.choice([f"make {noun} {hue}", f"paint {noun} {hue}",
                                       f"change the colour of {noun} to {hue}"])


def remove_edit(rng):
    source = double(rng)
    keep = rng.randrange(2)
    gone = the(rng, source["objects"][1 - keep]["thing"])
    return source, changed(source, objects=[source["objects"][keep]]), rng.choice([f"remove {gone}", f"delete {gone}",
                                                                                  f"take away {gone}"])


def add_edit(rng):
    both = double(rng)
    new = rng.randrange(2)
    item = both["objects"][new]
    words = {(32, 64): "on the left", (96, 64): "on the right", (64, 32): "at the top", (64, 96): "at the bottom"}
    source = changed(both, objects=[both["objects"][1 - new]])
    return source, both, f"add {call(rng, item['thing'])}" + rng.choice(["", " " + words[item["x"], item["y"]]])


def replace_edit(rng):
    while True:
        source = single(rng)
        thing, new = source["objects"][0]["thing"], rng.randrange(len(THINGS))
        if new != thing and not held_cell(new, source["style"]) and not held_pair(thing, new):
            break
    target = changed(source, objects=[dict(source["objects"][0], thing=new)])
    other = call(rng, new)
    return source, target, rng.choice([f"replace {the(rng, thing)} with {other}",
                                       f"turn {the(rng, thing)} into {other}"])


def resize_edit(rng):
    thing, style = rng.choice(CELLS)
    sizes = [SMALL, USUAL, BIG]
    old = rng.choice(sizes)
    new = rng.choice([size for size in sizes if size != old])
    source = of(style, rng.choice(list(COLOURS)), at(thing, old))
    noun = rng.choice(["it", the(rng, thing)])
    return source, changed(source, objects=[at(thing, new)]), f"make {noun} {'bigger' if new > old else 'smaller'}"


def move_edit(rng):
    thing, style = rng.choice(CELLS)
    words = dict(PLACES)
    words["in the middle"] = (64, 64)
    old, new = rng.sample(list(words), 2)
    source = of(style, any_background(rng), at(thing, SMALL, words[old]))
    to = new.replace("in the ", "to the ").replace("on the ", "to the ").replace("at the ", "to the ")
    return source, changed(source, objects=[at(thing, SMALL, words[new])]), f"move {rng.choice(['it', the(rng, thing)])} {to}"


def style_edit(rng):
    while True:
        source = single(rng) if rng.random() < 0.7 else double(rng)
        style = "flat" if source["style"] == "3d" else "3d"
        if not any(held_cell(item["thing"], style) for item in source["objects"]):
            break
    return source, changed(source, style=style), rng.choice([f"make it {style} style", f"redraw it in {style} style",
                                                            f"change the style to {style}"])


EDITS = {
    "background": (background_edit, 4), "grey": (grey_edit, 1), "mirror": (mirror_edit, 2), "recolour": (hue_edit, 3),
    "remove": (remove_edit, 3), "add": (add_edit, 4), "replace": (replace_edit, 4), "resize": (resize_edit, 2),
    "move": (move_edit, 3), "style": (style_edit, 3),
}


def edits(rng, index):
    """Edits of all kinds."""
    kind = rng.choices(list(EDITS), [EDITS[k][1] for k in EDITS])[0]
    source, target, text = EDITS[kind][0](rng)
    return dict(source=source, target=target, text=text, kind=kind)


# Function of each group and its number of rows.
GROUPS = {
    "plain": (plain, 2 * len(CELLS) * len(BACKGROUNDS)),
    "placed": (placed, 8000),
    "hued": (hued, 5000),
    "pairs": (pairs, 14000),
    "hued_pairs": (hued_pairs, 4000),
    "triples": (triples, 4000),
    "counted": (counted, 6000),
    "edits": (edits, 14000),
}


def row(group, index):
    """Row of a group: dict(target, text) of a caption, with `source` and `kind` for an edit."""
    return GROUPS[group][0](generator(group, index), index)
