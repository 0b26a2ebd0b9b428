"""OpenAI's own Python client against a running daemon, unchanged but for where it connects.

    LAZULI_SOCKET=... python openai_client.py     # ends with 0 when every call did what the client expects
"""

import base64
import os
import struct
import zlib

import httpx
import openai

client = openai.OpenAI(
    base_url="http://lazuli/v1", api_key="none", max_retries=0,
    http_client=httpx.Client(transport=httpx.HTTPTransport(uds=os.environ["LAZULI_SOCKET"]), timeout=120))


def png(width, height, pixel, alpha=False):
    """A PNG whose pixels are bytes of `pixel(x, y)`."""
    rows = b"".join(b"\0" + bytes(v for x in range(width) for v in pixel(x, y)) for y in range(height))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 6 if alpha else 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def size(picture):
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", picture[16:24])


def refused(code, call):
    try:
        call()
    except openai.APIStatusError as error:
        assert error.code == code, (error.code, code)
        assert error.body["message"].strip()
        return error.status_code
    raise AssertionError(f"{code} was not refused")


# Answers
question = [{"role": "user", "content": [{"type": "text", "text": "What is the capital of France?"}]}]
whole = client.chat.completions.create(model="gpt-4o", messages=question, temperature=0, max_tokens=40)
assert "Paris" in whole.choices[0].message.content and whole.choices[0].finish_reason == "stop", whole
assert whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens > 10
pieces, usage = [], None
stream = client.chat.completions.create(
    model="gpt-4o", messages=question, temperature=0, max_tokens=40, stream=True, stream_options={"include_usage": True})
for chunk in stream:
    usage = chunk.usage or usage
    pieces += [choice.delta.content or "" for choice in chunk.choices]
assert "".join(pieces) == whole.choices[0].message.content and usage.completion_tokens == whole.usage.completion_tokens
assert len([piece for piece in pieces if piece]) > 1, "an answer comes as it is written"
told = client.chat.completions.create(
    model="gpt-4o", messages=[{"role": "developer", "content": "Be brief."}, *question], temperature=0, max_tokens=5)
assert told.choices[0].finish_reason in ("stop", "length") and told.usage.prompt_tokens != whole.usage.prompt_tokens
assert refused("model_not_found", lambda: client.chat.completions.create(model="nothing", messages=question)) == 404
long = [{"role": "user", "content": "word " * 9000}]
for streams in (False, True):
    assert refused("context_length_exceeded", lambda: client.chat.completions.create(
        model="gpt-4o", messages=long, stream=streams)) == 400

# Pictures
drawn = client.images.generate(model="gpt-image-1", prompt="a red apple on a blue background", n=2, size="auto",
                               extra_body={"seed": 1, "steps": 4})
pictures = [base64.b64decode(entry.b64_json) for entry in drawn.data]
assert len(set(pictures)) == 2 and {size(picture) for picture in pictures} == {(128, 128)} and drawn.size == "128x128"
edited = client.images.edit(image=pictures[0], prompt="change the background to yellow", size="auto", extra_body={"steps": 4})
assert size(base64.b64decode(edited.data[0].b64_json)) == (128, 128)
odd = png(61, 47, lambda x, y: (x * 4, y * 5, 128))
mask = png(61, 47, lambda x, y: (0, 0, 0, 0 if 10 < x < 40 and 10 < y < 30 else 255), alpha=True)
repainted = client.images.edit(image=[odd], mask=mask, prompt="a cat", size="auto", response_format="url", extra_body={"steps": 2})
assert size(base64.b64decode(repainted.data[0].url.split(",")[1])) == (61, 47)
events = list(client.images.generate(model="gpt-image-1", prompt="a green pear", stream=True, extra_body={"steps": 2}))
assert [event.type for event in events] == ["image_generation.completed"] and events[0].usage.total_tokens == 0
events = list(client.images.generate(model="gpt-image-1", prompt="a green pear", stream=True, partial_images=2,
                                     output_format="jpeg", extra_body={"steps": 6}))
assert [event.type for event in events] == ["image_generation.partial_image"] * 2 + ["image_generation.completed"]
assert [event.partial_image_index for event in events[:2]] == [0, 1] and events[2].output_format == "jpeg"
assert all(size(base64.b64decode(event.b64_json)) == (128, 128) for event in events[:2])
edits = list(client.images.edit(image=pictures[0], prompt="change the background to yellow", stream=True, partial_images=1,
                                extra_body={"steps": 4}))
assert [event.type for event in edits] == ["image_edit.partial_image", "image_edit.completed"]
assert refused("invalid_size", lambda: client.images.generate(prompt="p", size="61x61")) == 400
assert refused("bad_picture", lambda: client.images.edit(image=b"nonsense", prompt="p")) == 400

assert "lazuli-mini" in [model.id for model in client.models.list().data]
print("OpenAI's client: everything as it expects")
