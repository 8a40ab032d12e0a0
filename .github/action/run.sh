#!/usr/bin/env bash
# Becomes one command of `runner`, which writes its exit code to the output exit-code. That decides in the action's last step,
# so that what was learnt can be kept in between.
set -euo pipefail

cd "$GITHUB_WORKSPACE/$INPUT_WORKING_DIRECTORY"

# Until the command itself says more: nothing was judged, and that is no pass. The last entry of a name counts. An approval
# judges nothing at all.
verdict=error
[ "$INPUT_COMMAND" != approve ] || verdict=none
printf 'verdict=%s\nresult=not-run\nexit-code=70\n' "$verdict" >> "$GITHUB_OUTPUT"

# An empty variable is one that is not set.
[ -n "${GITHUB_TOKEN:-}" ] || unset GITHUB_TOKEN GH_TOKEN
[ -n "${RUNNER_GITHUB_APP_ID:-}" ] || unset RUNNER_GITHUB_APP_ID RUNNER_GITHUB_APP_KEY

arguments=()
case $INPUT_COMMAND in
  run)
    arguments+=(run --store "$INPUT_STORE" --report "$INPUT_REPORT")
    [ -z "$INPUT_REPORT_OUT" ] || arguments+=(--report-out "$INPUT_REPORT_OUT")
    [ "$INPUT_REQUIRE_REPORT" != true ] || arguments+=(--require-report)
    while IFS= read -r line; do
      line=${line%$'\r'}
      [ -z "$line" ] || arguments+=("--param=$line")
    done <<< "$INPUT_PARAMS"
    while IFS= read -r line; do
      line=${line%$'\r'}
      [ -z "$line" ] || arguments+=("$line")
    done <<< "$INPUT_ARGS"
    arguments+=(-- "$INPUT_WORKFLOW")
    ;;
  post)
    arguments+=(report post)
    [ -z "$INPUT_WORKFLOW" ] || arguments+=("--workflow=$INPUT_WORKFLOW")
    arguments+=(-- "$INPUT_REPORT_OUT")
    ;;
  approve)
    arguments+=(report approve)
    [ -z "$INPUT_WORKFLOW" ] || arguments+=(-- "$INPUT_WORKFLOW")
    ;;
esac

# No shell waits for it: what this one was started with could be read by steps of the workflow, and signals would end here.
exec "$BIN/runner" "${arguments[@]}"
