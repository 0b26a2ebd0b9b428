"""Writes Goldens/: tiny tokenizers and the ids that the reference libraries give on a corpus.

The pipelines are those of the released models (same normalisers, pre-tokenisers, post-processors and decoders); only
the vocabularies are small, trained here. References: tokenizers 0.23.3, transformers 5.23.0, sentencepiece 0.2.3.

    python make_goldens.py                                        # everything but Goldens/released
    python make_goldens.py --clip FOLDER --smollm2 FILE.gguf      # and ids of CLIP's and SmolLM2's own vocabularies
"""

import argparse
import base64
import collections
import io
import json
import os
import shutil
import tempfile
import unicodedata

os.environ["TOKENIZERS_PARALLELISM"] = "false"

import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import CLIPTokenizer

from corpus import CURATED, LONG, TRAINING, generated

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDENS = os.path.join(HERE, "Goldens")

QWEN2 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
LLAMA3 = QWEN2.replace(r"|\p{N}|", r"|\p{N}{1,3}|")
MARKER = "\u2581"


def fnv(ids):
    """FNV-1a over the ids as little-endian 32-bit words, folded to 32 bits."""
    state = 0xCBF29CE484222325
    for value in ids:
        for byte in value.to_bytes(4, "little"):
            state = (state ^ byte) * 0x100000001B3 % (1 << 64)
    return state >> 32 ^ state & 0xFFFFFFFF


def write(name, value):
    path = os.path.join(GOLDENS, name)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(text)
    assert os.path.getsize(path) <= 100_000, (name, os.path.getsize(path))


def golden(name, encode, decode=None):
    """Full ids of the curated texts, one hash for each generated line."""
    result = {
        "ids": [encode(text) for text in CURATED],
        "hashes": [fnv(encode(text)) for text in LINES],
        "long": [fnv(encode(text * times)) for text, times in LONG],
    }
    if decode:
        result["decoded"] = [decode(ids) for ids in result["ids"]]
    write(name, result)


def save(tokenizer, name):
    write(name + ".json", json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False, separators=(",", ":")))
    golden(
        name + ".ids.json",
        lambda text: tokenizer.encode(text).ids,
        lambda ids: tokenizer.decode(ids, skip_special_tokens=True),
    )


# ---- Byte-level BPE


def byte_level(split, normalizer=None, specials=("<|endoftext|>", "<|im_start|>", "<|im_end|>"), **model):
    tokenizer = Tokenizer(models.BPE(**model))
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = split
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=700, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), special_tokens=list(specials),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TRAINING, trainer)
    return tokenizer


def gguf(tokenizer, pre, **fields):
    """A byte-level tokenizer as GGUF metadata has it."""
    data = json.loads(tokenizer.to_str())
    vocab = dict(data["model"]["vocab"])
    added = {token["content"]: token for token in data["added_tokens"]}
    vocab.update({content: token["id"] for content, token in added.items()})
    tokens = sorted(vocab, key=vocab.get)
    assert [vocab[token] for token in tokens] == list(range(len(tokens)))
    types = [(3 if added[token]["special"] else 4) if token in added else 1 for token in tokens]
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in data["model"]["merges"]]
    return {"model": "gpt2", "pre": pre, "tokens": tokens, "types": types, "merges": merges, **fields}


def isolated(pattern):
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )


def make_byte_level():
    gpt2 = byte_level(pre_tokenizers.ByteLevel(add_prefix_space=False))
    save(gpt2, "gpt2")
    write("gpt2.gguf.json", gguf(gpt2, "gpt-2", eos=0))

    smollm = byte_level(
        pre_tokenizers.Sequence(
            [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
        )
    )
    save(smollm, "smollm")
    write("smollm.gguf.json", gguf(smollm, "smollm", bos=1, eos=2, add_bos=False))

    qwen2 = byte_level(isolated(QWEN2), normalizers.NFC())
    qwen2.add_tokens([AddedToken("<tool_call>", normalized=False, special=False)])
    save(qwen2, "qwen2")
    write("qwen2.gguf.json", gguf(qwen2, "qwen2", eos=2))

    specials = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
    llama3 = byte_level(isolated(LLAMA3), specials=specials)
    data = json.loads(llama3.to_str())
    # Tokens no merge leads to, so that taking whole words shows.
    size = len(data["model"]["vocab"])
    data["model"]["vocab"].update({"\u0120zebra": size, "caf\u00c3\u00a9": size + 1, "\u0120\u0120\u0120\u0120": size + 2})
    data["model"]["ignore_merges"] = True
    llama3 = Tokenizer.from_str(json.dumps(data))
    llama3.post_processor = processors.Sequence(
        [
            processors.ByteLevel(trim_offsets=True),
            processors.TemplateProcessing(
                single="<|begin_of_text|> $A", pair="<|begin_of_text|> $A $B",
                special_tokens=[("<|begin_of_text|>", llama3.token_to_id("<|begin_of_text|>"))],
            ),
        ]
    )
    save(llama3, "llama3")
    write("llama3.gguf.json", gguf(llama3, "llama-bpe", bos=0, eos=1))

    # Every option of added tokens, and words that get a space.
    added = byte_level(pre_tokenizers.ByteLevel(add_prefix_space=True), normalizers.Lowercase())
    added.add_tokens(
        [
            AddedToken("<left>", lstrip=True, normalized=False), AddedToken("<right>", rstrip=True, normalized=False),
            AddedToken("Word", single_word=True, normalized=True), AddedToken("ABC", normalized=True),
            AddedToken("<re", normalized=False), AddedToken("caf\u00e9", normalized=False),
        ]
    )
    save(added, "added")


# ---- CLIP


def clip_folder(folder, vocab, merges, config=None, special_tokens_map=None):
    write(f"{folder}/vocab.json", json.dumps(vocab, ensure_ascii=False))
    write(f"{folder}/merges.txt", "#version: 0.2\n" + "\n".join(merges) + "\n")
    if config:
        write(f"{folder}/tokenizer_config.json", json.dumps(config))
    if special_tokens_map:
        write(f"{folder}/special_tokens_map.json", json.dumps(special_tokens_map))


def learn_merges(words, count):
    """Byte pair merges of the words, the most frequent pair first, ties in the order of the pairs.

    (The library's trainer breaks ties by a hash order where words have an end marker.)
    """
    words = {tuple(word[:-1]) + (word[-1] + "</w>",): times for word, times in words.items()}
    merges = []
    for _ in range(count):
        pairs = collections.Counter()
        for word, times in words.items():
            for pair in zip(word, word[1:]):
                pairs[pair] += times
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(" ".join(best))
        joined = collections.Counter()
        for word, times in words.items():
            result = []
            for symbol in word:
                if result and (result[-1], symbol) == best:
                    result[-1] += symbol
                else:
                    result.append(symbol)
            joined[tuple(result)] += times
        words = joined
    return merges


def make_clip():
    backend = CLIPTokenizer().backend_tokenizer
    words = collections.Counter()
    for text in TRAINING:
        normalized = backend.normalizer.normalize_str(text)
        words.update(word for word, _ in backend.pre_tokenizer.pre_tokenize_str(normalized))
    merges = learn_merges(words, 500)
    # The order of CLIP's vocabulary: bytes, bytes that end a word, merges, the two special tokens; `!` is 0.
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet(), key=lambda c: (ord(c) > 255, ord(c)))
    names = alphabet + [character + "</w>" for character in alphabet]
    names += list(dict.fromkeys(merge.replace(" ", "") for merge in merges))
    names += ["<|startoftext|>", "<|endoftext|>"]
    vocab = {name: index for index, name in enumerate(dict.fromkeys(names))}

    def typed(content, normalized):
        return {
            "__type": "AddedToken", "content": content, "lstrip": False, "normalized": normalized, "rstrip": False,
            "single_word": False,
        }

    def plain(content, normalized):
        return {key: value for key, value in typed(content, normalized).items() if key != "__type"}

    start, end = "<|startoftext|>", "<|endoftext|>"
    config = {
        "add_prefix_space": False, "bos_token": typed(start, True), "do_lower_case": True,
        "eos_token": typed(end, True), "errors": "replace", "model_max_length": 77, "pad_token": end,
        "tokenizer_class": "CLIPTokenizer", "unk_token": typed(end, True),
    }
    tokens = {"bos_token": plain(start, True), "eos_token": plain(end, True), "unk_token": plain(end, True)}
    decoder = {
        "0": plain("!", False) | {"special": True},
        str(vocab[start]): plain(start, True) | {"special": True},
        str(vocab[end]): plain(end, True) | {"special": True},
    }
    folders = {
        "clip": (None, None),
        "clip-sd1": (config, tokens | {"pad_token": end}),
        "clip-sd2": (config, tokens | {"pad_token": "!"}),
        "clip-sdxl2": (
            {
                "added_tokens_decoder": decoder, "bos_token": start, "eos_token": end, "model_max_length": 77,
                "pad_token": "!", "tokenizer_class": "CLIPTokenizer", "unk_token": end,
            },
            tokens | {"pad_token": "!"},
        ),
    }
    with tempfile.TemporaryDirectory() as scratch:
        for folder, (settings, special_tokens_map) in folders.items():
            place = folder if folder == "clip" else f"clip/{folder}"
            if folder == "clip":
                clip_folder("clip", vocab, merges)
            else:
                write(f"{place}/tokenizer_config.json", json.dumps(settings))
                write(f"{place}/special_tokens_map.json", json.dumps(special_tokens_map))
            source = os.path.join(scratch, folder)
            shutil.copytree(os.path.join(GOLDENS, "clip"), source, ignore=shutil.ignore_patterns("clip-*"))
            if settings:
                for name in ("tokenizer_config.json", "special_tokens_map.json"):
                    shutil.copy(os.path.join(GOLDENS, place, name), source)
            tokenizer = CLIPTokenizer.from_pretrained(source)

            def encode(text):
                """The 77 ids of a prompt without the padding at their end."""
                ids = tokenizer(text, padding="max_length", max_length=77, truncation=True).input_ids
                assert len(ids) == 77
                count = len(tokenizer(text, max_length=77, truncation=True).input_ids)
                assert set(ids[count:]) <= {tokenizer.pad_token_id}
                return ids[:count]

            golden(
                f"{place}/{folder}.ids.json", encode, lambda ids: tokenizer.decode(ids, skip_special_tokens=True)
            )
            if folder == "clip-sdxl2":
                # What transformers 5 saves: one file in place of four.
                tokenizer.save_pretrained(os.path.join(scratch, "saved"))
                for name in ("tokenizer.json", "tokenizer_config.json"):
                    with open(os.path.join(scratch, "saved", name), encoding="utf-8") as file:
                        write(f"clip/saved/{name}", json.load(file))


# ---- SentencePiece


def train_sentencepiece(**options):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TRAINING), model_writer=model, num_threads=1, minloglevel=2, hard_vocab_limit=False,
        **options,
    )
    return sentencepiece.SentencePieceProcessor(model_proto=model.getvalue()), model.getvalue()


def field(message, wanted):
    """The bytes of a length-delimited field of a protocol buffer."""

    def varint(offset):
        value = shift = 0
        while True:
            value |= (message[offset] & 0x7F) << shift
            offset, shift = offset + 1, shift + 7
            if message[offset - 1] < 0x80:
                return value, offset

    offset = 0
    while offset < len(message):
        tag, offset = varint(offset)
        if tag & 7 == 0:
            _, offset = varint(offset)
        elif tag & 7 == 2:
            length, offset = varint(offset)
            if tag >> 3 == wanted:
                return message[offset : offset + length]
            offset += length
        else:
            offset += {1: 8, 5: 4}[tag & 7]
    raise KeyError(wanted)


def pieces(processor):
    rows = []
    for index in range(processor.get_piece_size()):
        kind = 1
        if processor.is_unknown(index):
            kind = 2
        elif processor.is_control(index):
            kind = 3
        elif processor.is_unused(index):
            kind = 5
        elif processor.is_byte(index):
            kind = 6
        rows.append((processor.id_to_piece(index), processor.get_score(index), kind))
    return rows


def sentencepiece_gguf(processor, model, **fields):
    rows = pieces(processor)
    return {
        "model": model, "tokens": [row[0] for row in rows], "scores": [row[1] for row in rows],
        "types": [row[2] for row in rows], **fields,
    }


def merges_of(rows):
    """All ways to make a piece of two others, in the order of the scores (as transformers converts)."""
    vocab = {piece: index for index, (piece, _, _) in enumerate(rows)}
    merges = []
    for piece, score, kind in rows:
        if kind != 1:
            continue
        halves = [(piece[:cut], piece[cut:]) for cut in range(1, len(piece))]
        local = [(left, right, score) for left, right in halves if left in vocab and right in vocab]
        merges += sorted(local, key=lambda row: (vocab[row[0]], vocab[row[1]]))
    merges.sort(key=lambda row: (row[2], len(row[0]), len(row[1])), reverse=True)
    return [(left, right) for left, right, _ in merges]


def make_sentencepiece_bpe():
    processor, _ = train_sentencepiece(
        model_type="bpe", vocab_size=900, byte_fallback=True, split_digits=True, normalization_rule_name="identity",
        remove_extra_whitespaces=False, add_dummy_prefix=True, allow_whitespace_only_pieces=True, character_coverage=0.98,
    )
    rows = pieces(processor)
    write("spm-bpe.gguf.json", sentencepiece_gguf(processor, "llama", bos=1, eos=2, unk=0))
    golden("spm-bpe.gguf.ids.json", lambda text: [1] + processor.encode(text), lambda ids: processor.decode(ids))

    vocab = {piece: index for index, (piece, _, _) in enumerate(rows)}
    model = dict(vocab=vocab, merges=merges_of(rows), unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    template = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)]
    )
    specials = [AddedToken(token, normalized=False, special=True) for token in ("<unk>", "<s>", "</s>")]

    llama2 = Tokenizer(models.BPE(**model))
    llama2.normalizer = normalizers.Sequence([normalizers.Prepend(MARKER), normalizers.Replace(" ", MARKER)])
    llama2.decoder = decoders.Sequence(
        [decoders.Replace(MARKER, " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    llama2.post_processor = template
    llama2.add_special_tokens(specials)
    save(llama2, "llama2")

    metaspace = Tokenizer(models.BPE(**model))
    metaspace.pre_tokenizer = pre_tokenizers.Metaspace(MARKER, prepend_scheme="first", split=False)
    metaspace.decoder = llama2.decoder
    metaspace.post_processor = template
    metaspace.add_special_tokens(specials)
    save(metaspace, "llama2-metaspace")

    gemma = Tokenizer(models.BPE(**model))
    gemma.normalizer = normalizers.Replace(" ", MARKER)
    gemma.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    gemma.decoder = decoders.Sequence([decoders.Replace(MARKER, " "), decoders.ByteFallback(), decoders.Fuse()])
    gemma.post_processor = template
    gemma.add_special_tokens(specials)
    gemma.add_tokens([AddedToken("\n\n", normalized=False), AddedToken("<start_of_turn>", normalized=False)])
    save(gemma, "gemma")


def charsmap_rules():
    """A part of nmt_nfkc as sentencepiece's rule file: compatibility forms, composition, controls."""
    rules = {}
    for code in [*range(0xA0, 0x180), *range(0x2000, 0x2070), *range(0x2100, 0x2190), *range(0xFB00, 0xFB10),
                 *range(0xFF01, 0xFF9F), 0x3000, 0x2460, 0x2461, 0x3392, 0xFDFA]:
        text = unicodedata.normalize("NFKC", chr(code))
        if text != chr(code):
            rules[chr(code)] = text
    for code in range(0xC0, 0x180):
        parts = unicodedata.normalize("NFD", chr(code))
        if len(parts) > 1:
            rules[parts] = unicodedata.normalize("NFC", parts)
    for code in [9, 10, 13, 0x1680, 0x200B, 0x2028, 0x2029, 0xFEFF, 0xFFFD]:
        rules[chr(code)] = " "
    for code in [*range(1, 9), 0xB, *range(0xE, 0x20), 0x7F, 0x8F, 0x9F]:
        rules[chr(code)] = ""
    hexadecimal = lambda text: " ".join(f"{ord(character):X}" for character in text)
    return "".join(f"{hexadecimal(source)}\t{hexadecimal(target)}\n" for source, target in rules.items())


def make_unigram():
    with tempfile.TemporaryDirectory() as scratch:
        rules = os.path.join(scratch, "rules.tsv")
        with open(rules, "w", encoding="utf-8") as file:
            file.write(charsmap_rules())
        processor, proto = train_sentencepiece(
            model_type="unigram", vocab_size=700, normalization_rule_tsv=rules, character_coverage=0.98,
            pad_id=0, eos_id=1, unk_id=2, bos_id=-1,
        )
        byte_processor, _ = train_sentencepiece(
            model_type="unigram", vocab_size=900, normalization_rule_name="identity", character_coverage=0.98,
            byte_fallback=True, remove_extra_whitespaces=False, pad_id=0, eos_id=1, unk_id=2, bos_id=-1,
        )
    charsmap = field(field(proto, 3), 2)
    write(
        "spm-unigram.gguf.json",
        sentencepiece_gguf(
            processor, "t5", eos=1, unk=2, pad=0, remove_extra_whitespaces=True,
            charsmap=base64.b64encode(charsmap).decode(),
        ),
    )
    golden("spm-unigram.gguf.ids.json", lambda text: processor.encode(text) + [1], lambda ids: processor.decode(ids))

    for name, pre_tokenizer in {
        "t5": pre_tokenizers.Sequence(
            [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(MARKER, prepend_scheme="always")]
        ),
        "t5-converted": pre_tokenizers.Metaspace(MARKER, prepend_scheme="always"),
    }.items():
        t5 = Tokenizer(models.Unigram([(piece, score) for piece, score, _ in pieces(processor)], unk_id=2))
        t5.normalizer = normalizers.Precompiled(charsmap)
        if name == "t5-converted":
            t5.normalizer = normalizers.Sequence(
                [
                    normalizers.Precompiled(charsmap), normalizers.Strip(left=False, right=True),
                    normalizers.Replace(Regex(" {2,}"), MARKER),
                ]
            )
        t5.pre_tokenizer = pre_tokenizer
        t5.decoder = decoders.Metaspace(MARKER, prepend_scheme="always")
        t5.post_processor = processors.TemplateProcessing(
            single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)]
        )
        t5.add_special_tokens([AddedToken(token, normalized=False) for token in ("<pad>", "</s>", "<unk>")])
        save(t5, name)

    fallback = Tokenizer(
        models.Unigram([(piece, score) for piece, score, _ in pieces(byte_processor)], unk_id=2, byte_fallback=True)
    )
    fallback.pre_tokenizer = pre_tokenizers.Metaspace(MARKER, prepend_scheme="always")
    fallback.decoder = decoders.Sequence([decoders.Replace(MARKER, " "), decoders.ByteFallback(), decoders.Fuse()])
    save(fallback, "unigram-bytes")


# ---- Released vocabularies, which are too large for the repository


def make_released_clip(folder):
    tokenizer = CLIPTokenizer.from_pretrained(folder)
    golden("released/clip.ids.json", lambda text: tokenizer(text).input_ids)


def make_released_smollm2(path):
    """SmolLM2's vocabulary from its GGUF file in the pipeline of its own tokenizer.json."""
    import gguf as gguf_package

    fields = gguf_package.GGUFReader(path).fields
    tokens, types, merges = (
        fields["tokenizer.ggml." + name].contents() for name in ("tokens", "token_type", "merges")
    )
    vocab = {token: index for index, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=[tuple(merge.split(" ")) for merge in merges]))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.add_special_tokens(
        [AddedToken(token, normalized=False) for token, kind in zip(tokens, types) if kind == 3]
    )
    golden("released/smollm2.ids.json", lambda text: tokenizer.encode(text).ids)


LINES = generated(2000)

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--clip", help="folder with CLIP's vocab.json and merges.txt")
    parser.add_argument("--smollm2", help="GGUF file of SmolLM2")
    arguments = parser.parse_args()

    write("corpus.json", {"curated": CURATED, "lines": LINES, "long": LONG})
    make_byte_level()
    make_clip()
    make_sentencepiece_bpe()
    make_unigram()
    if arguments.clip:
        make_released_clip(arguments.clip)
    if arguments.smollm2:
        make_released_smollm2(arguments.smollm2)
