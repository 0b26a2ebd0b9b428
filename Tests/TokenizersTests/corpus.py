"""The texts that tokenizers are compared on. Written for this project; nothing here is quoted."""

import random

# What the small vocabularies are learned from: a little of many languages, prompts, code, numbers.
TRAINING = [
    "A photograph of a red apple on a blue background, soft light, high detail.",
    "a small house near the sea, watercolor, in the style of a children's book",
    "portrait of an old fisherman with a grey beard, dramatic lighting, 35mm",
    "two cats sleeping on a window sill while it rains outside",
    "The quick answer isn't always the best one; they're still thinking about it, and we've seen that I'm wrong.",
    "She said she'll come, he'd rather stay, you're late, it's fine, don't worry, THEY'LL SEE, WE'RE HERE.",
    "In 2024 there were 1234567 visitors, 12.5% more than in 2023; the cost was $1,999.99.",
    "def encode(text):\n    tokens = []\n    for word in split(text):\n        tokens.append(word)\n    return tokens\n",
    "if (x >= 10 && y != 0) {\n\treturn x / y;\n} else {\n\tthrow new Error(\"zero\");\n}\n",
    "Das Mädchen ließ die Tür offen, und der Wind wehte über die Straße.",
    "L'été dernier, nous avons mangé des crêpes près de la forêt; c'était très agréable.",
    "El niño pequeño corrió por la montaña hasta el otro lado del río.",
    "Мой дядя живёт в большом доме у реки, и каждое утро он пьёт чай.",
    "Η θάλασσα ήταν ήρεμη και ο ουρανός γαλάζιος όλη την ημέρα.",
    "नमस्ते दुनिया, यह एक छोटा वाक्य है जो हिंदी में लिखा गया है।",
    "สวัสดีชาวโลก นี่คือประโยคสั้น ๆ ที่เขียนเป็นภาษาไทย",
    "你好,世界。這是一個用中文寫的短句子,描述一隻貓坐在窗邊。",
    "今日は天気がいいので、公園まで歩いて行きました。",
    "안녕하세요 세계, 이것은 한국어로 쓴 짧은 문장입니다.",
    "مرحبا بالعالم، هذه جملة قصيرة مكتوبة باللغة العربية.",
    "שלום עולם, זהו משפט קצר שנכתב בעברית.",
    "Xin chào thế giới, đây là một câu ngắn viết bằng tiếng Việt.",
    "emoji: 😀 😃 😄 👍 ❤️ 🎉 👩‍👩‍👧‍👦 🏳️‍🌈 🇩🇪",
    "   leading spaces, trailing spaces   \n\n\nmany lines\r\nand tabs\t\there",
    "https://example.org/path?query=value&other=1#fragment user.name+tag@example.com",
] * 3

# Every text here is compared id by id.
CURATED = [
    "", " ", "  ", "   ", "\n", "\n\n", "\r\n", "\r\n\r\n", "\t", "\t\t", " \n", "\n ", " \n ", "\u00a0", "\u3000", "a",
    " a", "a ", "  a", "a  ", "  a  b  ", "a\nb", "a\r\nb", "a \n b", "a\n\n b", "a\t b", "\ta", "a\n", "\na", "a\u2003b",
    "Hello, world!", "hello world", "HELLO WORLD", "A cat!", "wow!!! ok", "a red apple on a blue background",
    "it's", "IT'S", "we'Re", "I'LL", "don't they've", "'s", "' s", "''s", "'\u017fx", "x'\u017f", "'re'ves", "rock'n'roll", "'Twas", "'dd 'mm",
    "1", "12", "123", "1234", "12345678", "3.14159", "1,000,000", "v2.0.1", "\u00bd \u00b2 \u2460 \u0968\u0967 \u0e52", "a1b22c333d4444",
    "cafe\u0301", "caf\u00e9", "e\u0301e\u0323\u0301 \u00e9\u0323", "\u1ebf e\u0302\u0301 \u00ea\u0301", "A\u030a \u212b \u00c5", "n\u0303 \u00f1", "\u0344 \u0340 \u0958", "q\u0307\u0323 q\u0323\u0307",
    "\u1100\u1161\u11a8 \uac01 \u1100\u1161 \uac00\u11a8", "\u0915\u094d\u0937\u093f", "\u0928\u092e\u0938\u094d\u0924\u0947 \u0926\u0941\u0928\u093f\u092f\u093e", "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35\u0e0a\u0e32\u0e27\u0e42\u0e25\u0e01", "\u0e01\u0e33 \u0e19\u0e49\u0e33",
    "\u4f60\u597d\uff0c\u4e16\u754c\u3002", "\u4eca\u65e5\u306f\u5929\u6c17\u304c\u3044\u3044", "\uc548\ub155\ud558\uc138\uc694 \uc138\uacc4", "\u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645", "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd", "\u041c\u043e\u0439 \u0434\u044f\u0434\u044f", "\u0398\u03ac\u03bb\u03b1\u03c3\u03c3\u03b1\u03c2 \u039f\u0394\u039f\u03a3",
    "\U0001f600", "\U0001f44d\U0001f3fd", "\U0001f469\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466", "\U0001f3f3\ufe0f\u200d\U0001f308", "\U0001f1e9\U0001f1ea\U0001f1ef\U0001f1f5", "\u2764\ufe0f", "1\ufe0f\u20e3", "a\U0001f600b \U0001f600\U0001f600",
    "\u0130stanbul \u0131 \u01c5 \u1e9e \u00df", "\ufb01ne \ufb01\u0301 \u2122 \uff21\uff22\uff43 \uff11\uff12 \u33a5", "\u200b\u200c\u200d\u2060\ufeff", "\ufffd", "a\ufffdb", "\x00", "a\x00b\x01\x02\x1f\x7f\u0080\u009f", "\x0b\x0c\x1c\x1d\x85\u2028\u2029",
    "\U000e0041\U0010ffff\ufdd0\ue000", "\U0001e900\U00010428\U00020000\U0002a6d6", "\u0301", "\u0301a", " \u0301a", "\u0300\u0301\u0302\u0303", "z\u0351\u0300\u0359\u0321\u0315",
    "<|endoftext|>", "a <|endoftext|> b", "a<|endoftext|>b", "<|ENDOFTEXT|>", "<|startoftext|>x", "<|im_start|>user\nhi<|im_end|>\n", "<|begin_of_text|><|eot_id|>\n\n", "<|endoftext", "<s> </s>a", "</s>", "<unk>", "<pad>a", "<0x41>", "<tool_call>{}</tool_call>", "a\n\nb<start_of_turn>user\nc",
    " <left> x <left>y", "x <right> y<right>  z", "Word words Word aWord Word2 word. \u00e9Word Word\u0301", "abc ABC aBcd", "<re<right", "caf\u00e9 cafe\u0301 CAF\u00c9", "  <right>   ", "<left><right> <left>",
    "\u2581", "a\u2581b", " \u2581 a", "\u2581\u2581a", "</w>", "cat</w> dog", "\u0120a", "Ġ Ċ",
    "def f(x):\n    return x ** 2  # square\n", "\tif (a[i] != b) {\n\t\ti++;\n\t}\n", "x = {'key': \"value\", 'n': [1, 2.5, -3e10]}", "<html>\r\n  <p>text</p>\r\n</html>", "a/b\\c|d~e`f^g", "!!!\n\n???", "...\r\n...", "!\n \nx", "  !\n", ", \n", "\n\n\n\t\n  x", "   \n\n   \n", "#hashtag @user $5.00 100% a&b (c) [d] {e}", "--- *** ___ === +++", "http://example.org/a?b=c#d",
    "a zebra caf\u00e9     x zebra", "\u3042\u3044\u3046\uff1f\uff01", "100\u00b0C \u20ac50 \u00a320 \u00a95", "\u0661\u0662\u0663 \u06f1\u06f2", "\u2160\u2161\u2162 \u3007\u5341", "I\u0307 i\u0307 \u0130", "\u00c0\u00c8\u00cc A\u0300E\u0300I\u0300", "\u1e0b\u0323 d\u0323\u0307 d\u0307\u0323", "a\u0335\u0301b", "\u09c7\u09be \u09cb \u0b47\u0b56", "\u0f71\u0f72\u0f74 \u0f73 \u0f75", "\U0001d15e \U0001d157\U0001d165", "\u2126 \u2329 \uf900 \ufa10",
    "a" * 40, "ab" * 40, " " * 40, "\n" * 40, "!" * 40, "1" * 40, "\u00e9" * 40, "\U0001f600" * 20, "\u597d" * 70, "the " * 60,
    "a photo of a very detailed castle on a hill above a river in autumn, golden hour, mist, birds in the sky, a stone "
    "bridge with people walking, banners in the wind, hyper realistic, cinematic, wide angle, volumetric light, "
    "reflections on the water, dramatic clouds, 8k, trending, award winning photograph, masterpiece, and a red dragon",
]

# (text, times): compared by one hash each.
LONG = [
    ("a", 10_000), ("the cat sat on the mat and ", 400), ("\u00e9e\u0301", 5_000), ("\u4f60\u597d\u4e16\u754c", 2_500),
    (" ", 10_000), ("\n", 10_000), ("x1\n\t ", 2_000), ("\U0001f469\u200d\U0001f467 ", 2_500), ("\u0915\u094d\u0937\u093f ", 2_000),
    ("!?", 5_000), ("0123456789", 1_000), ("aaaaaaab", 1_250), ("\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35", 1_700), ("\u2581 ", 5_000),
]

_FRAGMENTS = (
    "the cat sat mat red apple blue background soft light photograph portrait of an old house sea isn't they're we'll "
    "I'M HE'D x1 2024 12.5% 1234567 $9 a1b2 def return if else == != && // /* */ #! => ... , . ; : ? ! ( ) [ ] { } "
    "Mädchen Straße été forêt niño río дядя живёт θάλασσα ουρανός नमस्ते दुनिया हिंदी สวัสดี ภาษาไทย 你好 世界 窗邊 今日は "
    "公園 안녕하세요 세계 مرحبا بالعالم שלום עולם thế giới 😀 👍🏽 👩‍👩‍👧 🏳️‍🌈 🇩🇪 ❤️ cafe\u0301 n\u0303 o\u0308 \u1100\u1161\u11a8 ﬁ ™ Ａ ½ ² Ⅷ ① "
    "\ufffd \u200d \u0301 \x01 \x7f \u00ad <|endoftext|> <s> </s> <unk> <|im_end|> Word ABC ▁ Ġ </w> 'ſ İ ǅ ẞ \U0001d400 \U00020000 \u09c7\u09be"
).split(" ")
_SPACES = ["", "", " ", " ", " ", " ", "  ", "   ", "\n", "\n\n", "\r\n", "\t", "\u00a0", "\u2003", "\u3000", " \n", "\n "]


def generated(count, seed=20261123, longest=5):
    """Lines made of fragments and kinds of space, a few with any scalar at all."""
    source = random.Random(seed)
    lines = []
    for _ in range(count):
        line = ""
        for _ in range(source.randint(1, longest)):
            if source.random() < 0.08:
                code = source.choice([source.randrange(0x300), source.randrange(0x3000), source.randrange(0x110000)])
                line += "" if 0xD800 <= code < 0xE000 else chr(code)
            else:
                line += source.choice(_FRAGMENTS)
            line += source.choice(_SPACES)
        lines.append(line)
    return lines
