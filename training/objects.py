"""The things that Lazuli Mini draws, 270 of them, and what they are called."""
import dataclasses

# One thing per entry: its name in the corpus; after "=" what captions call it, the most usual name first, where that
# differs from the corpus; "*" marks a plural noun. "!" marks the 64 things of the first world.
TABLE = """
grapes=grapes* | watermelon=watermelon/slice of watermelon! | tangerine=orange! | lemon=lemon/yellow lemon! |
banana=banana/yellow banana! | pineapple | red apple=red apple/apple! | green apple=green apple! | pear | peach |
cherries=cherries* | strawberry=strawberry/red strawberry! | kiwi fruit=kiwi | tomato | coconut | avocado | eggplant |
carrot=carrot/orange carrot! | ear of corn=corn cob/ear of corn | hot pepper=chili pepper | broccoli | onion |
mushroom=mushroom/red mushroom! | blueberries=blueberries* |

bread=loaf of bread/bread | croissant | pretzel | pancakes=pancakes* | cheese wedge=piece of cheese/cheese |
poultry leg=chicken leg | hamburger=hamburger/burger! | french fries=french fries* |
pizza=pizza/slice of pizza! | hot dog | taco | egg | popcorn=popcorn/bucket of popcorn | sushi |
soft ice cream=ice cream/ice cream cone! | doughnut=donut/doughnut! | cookie | birthday cake=cake/birthday cake! |
cupcake | chocolate bar | candy | lollipop | hot beverage=cup of coffee/coffee cup! | wine glass=glass of wine |
beer mug=mug of beer |

gorilla | dog! | wolf | fox | cat! | lion | tiger | horse | unicorn | zebra | deer | cow | pig=pig/pink pig! |
ewe=sheep | giraffe | elephant=elephant/grey elephant! | rhinoceros | mouse | hamster | rabbit=rabbit/bunny! |
hedgehog | bat | bear=bear/brown bear | koala | panda | kangaroo | rooster | baby chick=chick | bird | penguin! |
duck! | swan | owl! | flamingo=flamingo/pink flamingo | peacock | parrot | frog=frog/green frog! | crocodile |
turtle=turtle/green turtle! | snake=snake/green snake | dragon | T-Rex=dinosaur | whale=whale/blue whale! | dolphin |
fish | tropical fish=tropical fish! | blowfish=pufferfish | shark | octopus! | spiral shell=seashell |
crab=crab/red crab! | lobster | snail! | butterfly=butterfly/orange butterfly! | honeybee=bee |
lady beetle=ladybug/red ladybug! | spider |

bouquet=bouquet of flowers | cherry blossom | rose=rose/red rose! | sunflower=sunflower/yellow sunflower! |
tulip=tulip/pink tulip! | seedling | evergreen tree=pine tree! | deciduous tree=tree/green tree! | palm tree! |
cactus=cactus/green cactus! | four leaf clover=four-leaf clover/clover | maple leaf | Christmas tree |

sun=sun/yellow sun! | cloud=cloud/white cloud! | cloud with rain=rain cloud | umbrella=umbrella/purple umbrella! |
snowflake | rainbow! | star=star/yellow star! | crescent moon=moon/crescent moon! | full moon |
high voltage=lightning bolt | fire=fire/flame! | droplet=water drop/drop of water | water wave=wave |
tornado | ringed planet=planet/planet with rings | globe showing Europe-Africa=globe | snowman without snow=snowman! |

rocket! | flying saucer | helicopter | airplane=airplane/plane! | locomotive=steam train/train | bus! | ambulance |
fire engine=fire truck | police car | taxi | automobile=car/red car! | delivery truck=truck | tractor |
racing car=race car | motorcycle | bicycle=bicycle/bike | skateboard | sailboat=sailboat/boat! | canoe | ship |
anchor | parachute |

house! | castle! | church | tent | circus tent | ferris wheel | snow-capped mountain=mountain | volcano |
desert island=island |

glasses=glasses* | sunglasses=sunglasses* | necktie=tie | t-shirt | jeans=jeans* | scarf | gloves=gloves* | coat |
socks=socks* | dress | handbag | backpack | running shoe=sneaker | hiking boot=boot | high-heeled shoe=high heel |
crown=crown/golden crown! | top hat | graduation cap | billed cap=baseball cap | ring | gem stone=gem/diamond |

red heart=red heart/heart! | orange heart | yellow heart | green heart | blue heart! | purple heart | black heart |
brown heart | broken heart |

soccer ball=soccer ball/football! | baseball | basketball | volleyball | american football | boxing glove |
pool 8 ball=eight ball | trophy | bullseye=target | kite | game die=dice | video game=game controller | teddy bear |
puzzle piece | balloon=balloon/red balloon! | wrapped gift=gift/present! | jack-o-lantern=pumpkin/jack-o-lantern |
crystal ball |

musical note | guitar! | violin | trumpet | drum | microphone | headphone=headphones* | bell=bell/golden bell! |

hammer | axe | wrench | scissors=scissors* | key! | locked=padlock/lock | kitchen knife=knife | bow and arrow | shield |
magnet | ladder | broom | candle | light bulb! | red paper lantern=red lantern/lantern | books=stack of books |
open book | closed book=red book/book | envelope | package=cardboard box/box | pencil | paintbrush |
artist palette=paint palette | camera | television | radio | telephone | mobile phone | laptop | microscope |
magnifying glass tilted left=magnifying glass | compass | coin | money bag | hourglass done=hourglass | chair | bed |
door | luggage=suitcase | ghost | skull | robot | alien | bomb | vertical traffic light=traffic light | spoon | bone
"""

IRREGULAR = {
    "loaf": "loaves",
    "mouse": "mice", "wolf": "wolves", "knife": "knives", "maple leaf": "maple leaves", "tomato": "tomatoes",
    "sheep": "sheep", "deer": "deer", "fish": "fish", "tropical fish": "tropical fish", "pufferfish": "pufferfish",
    "sushi": "sushi", "broccoli": "broccoli", "popcorn": "popcorn", "dice": "dice",
}
COLOUR_WORDS = {"red", "orange", "yellow", "green", "blue", "purple", "pink", "black", "brown", "white", "golden", "grey"}


@dataclasses.dataclass(frozen=True)
class Thing:
    corpus: str            # name in the corpus
    names: tuple[str, ...]  # the most usual first
    plural: bool           # "grapes": no article, not counted
    first_world: bool

    @property
    def name(self):
        return self.names[0]

    @property
    def bare(self):
        """The shortest name without a colour, which takes other colours: "apple"."""
        bare = [n for n in self.names if n.split()[0] not in COLOUR_WORDS]
        return bare[0] if bare else " ".join(self.name.split()[1:]) or self.name


def _thing(entry):
    corpus, _, names = entry.strip().rstrip("!*").partition("=")
    return Thing(corpus, tuple((names or corpus).split("/")), "*" in entry, "!" in entry)


THINGS = [_thing(entry) for entry in TABLE.replace("\n", " ").split("|")]
INDEX = {name: i for i, thing in reversed(list(enumerate(THINGS))) for name in thing.names}


def article(noun):
    """The noun with its indefinite article; mass nouns such as "fire" and "ice cream" take one too."""
    return ("an " if noun[0] in "aeiou" and not noun.startswith("unicorn") else "a ") + noun


def several(noun):
    """The plural of a singular noun: "cups of coffee", "mice"."""
    head, of, rest = noun.partition(" of ")
    if head in IRREGULAR:
        head = IRREGULAR[head]
    elif head.endswith("y") and head[-2] not in "aeiou":
        head = head[:-1] + "ies"
    elif head.endswith(("s", "x", "ch", "sh")):
        head += "es"
    else:
        head += "s"
    return head + of + rest
