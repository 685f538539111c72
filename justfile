# The same commands as README and CI use, under short names. `just` lists them.

[private]
default:
    @just --list

# Build a profile's image (main job)
[group('use')]
build PROFILE='demo':
    cargo run --release -- build --profile {{PROFILE}}

# Boot a profile's image in QEMU
[group('use')]
boot PROFILE='demo':
    cargo run --release -- boot --profile {{PROFILE}}

# Run all tests, installing what they need when root
[group('develop')]
test *ARGS:
    tests/run.sh {{ARGS}}

# What CI runs
[group('develop')]
ci:
    .ci/run

# Format and lint
[group('develop')]
lint:
    cargo fmt
    cargo clippy --all-targets -- -D warnings

# Hold the dependencies against deny.toml and the known advisories (needs cargo-deny)
[group('develop')]
deny:
    cargo deny check

# Write generated files anew: JSON Schemas, the handbook of lints
[group('develop')]
generate:
    cargo run --release --quiet -- schema profile > profiles/schema.json
    cargo run --release --quiet -- schema overlay > overlays/schema.json
    cargo run --release --quiet -- schema cluster > workspace/cluster.schema.json
    IMGBUILD_GENERATE=1 cargo test --release --quiet --lib the_handbook_of_lints

# Print the speed table: ratios measured side by side
[group('develop')]
bench:
    cargo bench --bench build
    cargo bench --bench flash

# The census of maintainer scripts: what those of tests/packages/list.toml are made of, and which can be followed
[group('develop')]
census *ARGS:
    cargo run --release --quiet --example census -- {{ARGS}}
