# Lazuli's commands. Every target works from a fresh clone on Debian or Ubuntu with a Swift toolchain.

SWIFT ?= swift
PREFIX ?= $(HOME)/.local
BUILD := $(SWIFT) build -c release
SOURCES := Package.swift Sources schedulers Tests

.PHONY: all build demo test check lint lengths units bench fmt install packages language-model upscaler clean

all: build

## Builds the daemon and the command line.
build: packages
	$(BUILD) --product lazulid
	$(BUILD) --product lazuli

## Draws five pictures with the embedded default model, through the daemon's socket, into out/demo.
demo: build language-model
	scripts/demo.sh

## Runs every test.
test: packages language-model
	@scripts/install-packages.sh test
	scripts/run-tests.sh

## Everything a patch has to pass.
check: lint lengths units test

lint:
	$(SWIFT) format lint --strict --parallel --recursive $(SOURCES)

lengths:
	scripts/check-lengths.sh

units:
	scripts/check-units.sh

## Kernels against this machine's measured peak, and whole parts in seconds.
bench: build language-model
	$$($(BUILD) --show-bin-path)/lazuli bench

fmt:
	$(SWIFT) format --in-place --parallel --recursive $(SOURCES)

## Installs both programs, the default model and the user's systemd unit below PREFIX.
install: build language-model
	scripts/install.sh "$$($(BUILD) --show-bin-path)" "$(PREFIX)"

## Installs the system libraries that are missing.
packages:
	@scripts/install-packages.sh

## Downloads the language model that conditions the default model, and checks its hash.
language-model: packages
	@scripts/fetch-language-model.sh

## Downloads Real-ESRGAN's networks for `lazuli upscale`, checks their hashes and converts them.
upscaler:
	@scripts/fetch-upscalers.sh

clean:
	$(SWIFT) package clean
	rm -rf out
