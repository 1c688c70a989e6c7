# The short way to everything; CMakeLists.txt and CMakePresets.json say how it is done.
PREFIX ?= /usr/local
DESTDIR ?=
JOBS ?= 2
RELEASE = build/release

build: deps
	@cmake --preset release >/dev/null
	@cmake --build --preset release -j$(JOBS)

help:
	@echo "make           build the release: $(RELEASE)/bin/freshet"
	@echo "make demo      see it work, on this machine alone"
	@echo "make test      build it and run all tests"
	@echo "make bench     build it and measure the goals"
	@echo "make lint      clang-format, clang-tidy, cppcheck and the project's own rules"
	@echo "make install   install below PREFIX ($(PREFIX)); DESTDIR is honoured"
	@echo "make clean     remove build/"

deps:
	@scripts/deps

demo: build
	@scripts/demo

test: build
	@scripts/test $(RELEASE)

bench: build
	@scripts/bench

lint:
	@scripts/deps --dev
	@scripts/lint

install: build
	@DESTDIR="$(DESTDIR)" cmake --install $(RELEASE) --prefix "$(PREFIX)"

clean:
	rm -rf build

.PHONY: build help deps demo test bench lint install clean
