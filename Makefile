# `make run` is all that is needed; `make help` lists the rest.

# What setup installs for this user must be found in the same run.
CARGO_BIN := $(or $(CARGO_HOME),$(HOME)/.cargo)/bin
ifeq (,$(findstring :$(CARGO_BIN):,:$(PATH):))
export PATH := $(CARGO_BIN):$(PATH)
endif

TARGET := $(or $(CARGO_TARGET_DIR),target)
PROGRAM := $(TARGET)/release/quantscope
# Arguments for the program: make run ARGS="--source camera"
ARGS ?=

.PHONY: help run test test-kernel test-arm setup build bench methods fuzz miri soak screenshots train clean

help:
	@echo "make run          install what is missing, build, open the window (ARGS=\"...\" for the program)"
	@echo "make test         the same, then format, clippy, docs and all tests"
	@echo "make test-kernel  cameras on the test driver of a real kernel, in a virtual machine (qemu; FILTER=name for some of them)"
	@echo "make test-arm     the vector instructions of 64-bit ARM, elsewhere in an emulator (qemu)"
	@echo "make setup        only install what is missing, and repair what is damaged"
	@echo "make bench        measure for some minutes: every stage, pipeline against bare session, quantized against full precision"
	@echo "make methods      quantize networks by every method and measure what comes out (about an hour; MODELS=name for some)"
	@echo "make fuzz         arbitrary bytes for everything that reads files of others (FUZZ_SECONDS=120 each)"
	@echo "make miri         the vector instructions under Miri, which sees undefined behaviour (some minutes)"
	@echo "make soak         long run: toggles and model loads, memory must stay flat"
	@echo "make screenshots  pictures of every state of the window and of reports, in screenshots/"
	@echo "make train        train the default models anew (hours; Python and PyTorch in target/training)"
	@echo "make clean        remove what was built (.runtime/ stays; remove it by hand)"

run: build
	@$(PROGRAM) $(ARGS)

build:
	@scripts/setup.sh --quick
	@cargo build --release --locked

test:
	@scripts/setup.sh --quick --test
	@scripts/check.sh

test-kernel:
	@scripts/setup.sh --quick --kernel
	@scripts/test-kernel.sh $(FILTER)

test-arm:
	@scripts/setup.sh --quick --arm
	@scripts/test-arm.sh

setup:
	@scripts/setup.sh

bench: build
	@cargo bench --locked --bench preprocess
	@cargo build --release --quiet --locked --manifest-path benches/nokhwa/Cargo.toml --target-dir $(TARGET)/nokhwa \
		|| echo "bench: skipped nokhwa's JPEG decoder: it does not build here" >&2
	@QUANTSCOPE_NOKHWA_JPEG="$(abspath $(TARGET))/nokhwa/release/nokhwa-jpeg" cargo bench --locked --bench camera
	@mkdir -p $(TARGET)/bench
	@cargo run --release --quiet --locked --example silu_detector -- $(TARGET)/bench/silu.onnx
	@scripts/bench.sh $(PROGRAM) $(TARGET)/bench

methods: build
	@scripts/methods.sh $(PROGRAM) $(TARGET)/methods $(MODELS)

fuzz:
	@scripts/setup.sh --quick
	@scripts/fuzz.sh

miri:
	@scripts/setup.sh --quick
	@scripts/miri.sh

soak:
	@scripts/setup.sh --quick --test
	@cargo test --release --locked --test soak -- --ignored --nocapture

screenshots:
	@scripts/setup.sh --quick --test
	@cargo test --release --locked --test screenshots --test report -- --ignored --nocapture

train: build
	@training/train.sh

clean:
	@cargo clean
