#!/usr/bin/env bash
# A shallow checkout lacks the base commit, whose workflow sets the policy of a pull request: fetch that one commit.
# Where it cannot be had, the run itself says so and does not pass.
set -euo pipefail

[ -n "${BASE:-}" ] || exit 0
case $BASE in *[!0-9a-f]*)
  printf '::error title=runner::the base commit in the event is not a commit\n'
  exit 1
  ;;
esac
cd "$GITHUB_WORKSPACE/$INPUT_WORKING_DIRECTORY"
! git cat-file -e "$BASE^{commit}" 2> /dev/null || exit 0

fetch() {
  # Nothing that goes on in the background once the steps run: it would hold the token.
  GIT_TERMINAL_PROMPT=0 git -c protocol.version=2 -c gc.auto=0 -c maintenance.auto=false fetch --quiet --no-tags --no-recurse-submodules --depth=1 origin "$BASE"
}

# As the checkout left it: a public repository, or credentials that were kept. Only then with the token, which goes by the
# environment: not into the repository's configuration, not onto a command line.
! fetch 2> /dev/null || exit 0
if [ -n "${GITHUB_TOKEN:-}" ]; then
  export GIT_CONFIG_COUNT=1
  export GIT_CONFIG_KEY_0="http.${GITHUB_SERVER_URL%/}/.extraheader"
  GIT_CONFIG_VALUE_0="AUTHORIZATION: basic $(printf 'x-access-token:%s' "$GITHUB_TOKEN" | base64 | tr -d '\n')"
  export GIT_CONFIG_VALUE_0
fi
if ! fetch; then
  printf '::warning title=runner::the base commit %s could not be fetched: check out with fetch-depth: 0\n' "$BASE"
fi
