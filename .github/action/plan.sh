#!/usr/bin/env bash
# Decides what is installed and where things are kept, and refuses inputs that cannot work before anything is downloaded.
# Writes to GITHUB_OUTPUT: method (release | source), version, target, repository, download-url, bin, build-key, store,
# plugin-cache, store-key.
set -euo pipefail

fail() {
  printf '::error title=runner::%s\n' "$1"
  exit 1
}

# `name=value` for GITHUB_OUTPUT. A line break would start an entry of its own.
output() {
  case $2 in *$'\n'* | *$'\r'*) fail "$1 must be one line" ;; esac
  printf '%s=%s\n' "$1" "$2" >> "$GITHUB_OUTPUT"
}

sha256() { if command -v sha256sum > /dev/null; then sha256sum; else shasum -a 256; fi; }

case $INPUT_COMMAND in
  run) [ -n "$INPUT_WORKFLOW" ] || fail 'the input workflow is missing: name the workflow file to run' ;;
  post) [ -n "$INPUT_REPORT_OUT" ] || fail 'the input report-out is missing: name the folder of the bundle to post' ;;
  approve | install) ;;
  *) fail 'the input command must be run, post, approve or install' ;;
esac

folder="$GITHUB_WORKSPACE/$INPUT_WORKING_DIRECTORY"
[ "$INPUT_COMMAND" = install ] || [ -d "$folder" ] || fail 'the input working-directory names no folder of the checkout: was it checked out before?'

case "$(uname -s)-$(uname -m)" in
  Linux-x86_64) target=x86_64-unknown-linux-musl ;;
  Linux-aarch64 | Linux-arm64) target=aarch64-unknown-linux-musl ;;
  Darwin-x86_64) target=x86_64-apple-darwin ;;
  Darwin-arm64) target=aarch64-apple-darwin ;;
  *) fail "there is no runner for $(uname -s) on $(uname -m): use Linux or macOS" ;;
esac

# The version in the action's own source; its tag is v and this.
own_version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\([^"]*\)".*/\1/p' "$GITHUB_ACTION_PATH/Cargo.toml" | head -n 1)
[ -n "$own_version" ] || fail "no version in the action's Cargo.toml"

repository=${ACTION_REPOSITORY:-$GITHUB_REPOSITORY}
download_url=${INPUT_DOWNLOAD_URL:-https://github.com/$repository/releases/download}
case $download_url in
  https://* | http://127.0.0.1:*) ;;
  *) fail 'the input download-url must start with https://' ;;
esac

method=source version=$own_version
if [ -n "$INPUT_VERSION" ]; then
  method=release version=${INPUT_VERSION#v}
  # It becomes part of an address.
  case $version in *[!0-9A-Za-z.+-]*) fail 'the input version must be a version such as 1.2.3' ;; esac
elif [ -n "$ACTION_REF" ] && [ -n "$ACTION_REPOSITORY" ]; then
  if [ "$ACTION_REF" = "v$own_version" ]; then
    method=release
  elif tagged=$(git ls-remote "https://github.com/$repository" "refs/tags/v$own_version" "refs/tags/v$own_version^{}" 2> /dev/null) &&
    [ "$(printf '%s\n' "$tagged" | tail -n 1 | cut -f 1)" = "$ACTION_REF" ]; then
    # Pinned by commit, and the release is of that commit.
    method=release
  fi
fi

sources=$(cd "$GITHUB_ACTION_PATH" && find Cargo.lock Cargo.toml runner wit plugins/dist -type f ! -path '*/target/*' -print0 | LC_ALL=C sort -z | xargs -0 cat | sha256 | cut -c 1-32)
place=$(printf '%s\n%s\n' "$INPUT_WORKING_DIRECTORY" "$INPUT_WORKFLOW" | sha256 | cut -c 1-16)

output method "$method"
output version "$version"
output target "$target"
output repository "$repository"
output download-url "${download_url%/}"
output bin "$RUNNER_TEMP/runner-bin"
output build-key "runner-build-$target-$sources"
case $INPUT_STORE in
  /*) output store "$INPUT_STORE" ;;
  *) output store "$folder/$INPUT_STORE" ;;
esac
output plugin-cache "$HOME/.cache/runner"
output store-key "runner-store-1-$target-$place"
