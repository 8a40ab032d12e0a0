#!/usr/bin/env bash
# Ends the action with the exit code of the command. Anything but a plain 0 fails, also no exit code at all.
set -euo pipefail

case ${EXIT_CODE:-} in
  0) exit 0 ;;
  [1-9] | [1-9][0-9] | 1[0-9][0-9] | 2[0-4][0-9] | 25[0-5])
    printf '::error title=runner::verdict %s, exit code %s\n' "${VERDICT//[^a-z]/}" "$EXIT_CODE"
    exit "$EXIT_CODE"
    ;;
  *)
    printf '::error title=runner::the command did not end\n'
    exit 70
    ;;
esac
