#!/usr/bin/env bash
# Puts `runner` into $BIN and on the PATH of later steps: the released archive after its digest (and, where it can be, its
# provenance) was checked, otherwise a build of the action's own source. A digest that is wrong never falls back: it fails.
set -euo pipefail

fail() {
  printf '::error title=runner::%s\n' "$1"
  exit 1
}

digest_of() { if command -v sha256sum > /dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1; }

work=$(mktemp -d "$RUNNER_TEMP/runner-install.XXXXXX")
trap 'rm -rf "$work"' EXIT

# Downloads $1 of the release to $work. 0 there, 1 not there (404), otherwise it fails for good.
download() {
  local status
  status=$(curl --silent --show-error --location --proto '=https,http' --proto-redir '=https,http' --retry 3 --max-time 300 \
    --output "$work/$1" --write-out '%{http_code}' "$DOWNLOAD_URL/v$VERSION/$1") ||
    fail "cannot download $1 of release $VERSION"
  case $status in
    200) return 0 ;;
    404) return 1 ;;
    *) fail "cannot download $1 of release $VERSION: the server answered $status" ;;
  esac
}

check_provenance() {
  case $INPUT_PROVENANCE in
    off) return 0 ;;
    auto | required) ;;
    *) fail 'the input provenance must be auto, required or off' ;;
  esac
  if [ -n "${GH_TOKEN:-}" ] && command -v gh > /dev/null && gh attestation verify --help > /dev/null 2>&1; then
    # GitHub's own API, whatever the workflow's server is: that is where releases are attested.
    GH_HOST=github.com gh attestation verify "$1" --repo "$REPOSITORY" --signer-workflow "$REPOSITORY/.github/workflows/release.yml" ||
      fail "the provenance of release $VERSION does not verify: nothing was installed"
  elif [ "$INPUT_PROVENANCE" = required ]; then
    fail 'provenance is required, but gh with the command attestation verify or a token for it is missing'
  else
    printf '::notice title=runner::the digest was checked, the provenance was not: gh with the command attestation verify is not here\n'
  fi
}

install_release() {
  local archive=$1 expected actual
  expected=$(awk -v name="$archive" '$2 == name || $2 == "*" name { print $1 }' "$work/SHA256SUMS")
  actual=$(digest_of "$work/$archive")
  [ -n "$expected" ] || fail "SHA256SUMS of release $VERSION does not name $archive"
  [ "$actual" = "$expected" ] || fail "$archive of release $VERSION has SHA-256 $actual, its SHA256SUMS says otherwise: nothing was installed"
  if [ -n "$INPUT_SHA256" ] && [ "$actual" != "${INPUT_SHA256#sha256:}" ]; then
    fail "$archive of release $VERSION has SHA-256 $actual, not the one of the input sha256: nothing was installed"
  fi
  # A mirror serves the same archives, but only GitHub can say who built them.
  case $DOWNLOAD_URL in
    https://github.com/*) check_provenance "$work/$archive" ;;
    *) [ "$INPUT_PROVENANCE" != required ] || check_provenance "$work/$archive" ;;
  esac
  tar -xzf "$work/$archive" -C "$work" runner
  mkdir -p "$BIN"
  install -m 755 "$work/runner" "$BIN/runner"
}

from_source() {
  local wanted have
  [ -z "$INPUT_SHA256" ] || fail 'the input sha256 pins a released archive, but there is none for this ref and platform'
  [ "$INPUT_PROVENANCE" != required ] || fail 'provenance is required, but there is no release for this ref and platform'
  command -v cargo > /dev/null ||
    fail 'there is no release for this ref and platform, and no cargo to build it from source: install Rust, or use a released version of the action'
  wanted=$(sed -n 's/^rust-version = "\([0-9.]*\)".*/\1/p' "$GITHUB_ACTION_PATH/Cargo.toml" | head -n 1)
  have=$(cd "$GITHUB_ACTION_PATH" && cargo --version | cut -d ' ' -f 2)
  if [ "$(printf '%s\n%s\n' "$wanted" "${have%%-*}" | sort -t . -k 1,1n -k 2,2n -k 3,3n | head -n 1)" != "$wanted" ] && command -v rustup > /dev/null; then
    rustup toolchain install "$wanted" --profile minimal --no-self-update
    export RUSTUP_TOOLCHAIN=$wanted
  fi
  printf '::group::Build runner %s from source\n' "$VERSION"
  (cd "$GITHUB_ACTION_PATH" && cargo build --locked --release --package runner-cli --bin runner --target-dir "$RUNNER_TEMP/runner-build")
  printf '::endgroup::\n'
  mkdir -p "$BIN"
  install -m 755 "$RUNNER_TEMP/runner-build/release/runner" "$BIN/runner"
  printf 'built=true\n' >> "$GITHUB_OUTPUT"
}

archive="runner-$TARGET.tar.gz"
if [ "$METHOD" = release ] && download SHA256SUMS && download "$archive"; then
  install_release "$archive"
elif [ -n "$INPUT_VERSION" ]; then
  fail "there is no release $VERSION for $TARGET"
elif [ "$METHOD" = release ]; then
  printf '::notice title=runner::release %s is not there for %s: building from source\n' "$VERSION" "$TARGET"
  from_source
elif [ ! -x "$BIN/runner" ]; then
  from_source
fi

said=$("$BIN/runner" --version)
printf 'installed %s\n' "$said"
printf 'version=%s\n' "$said" >> "$GITHUB_OUTPUT"
printf '%s\n' "$BIN" >> "$GITHUB_PATH"
