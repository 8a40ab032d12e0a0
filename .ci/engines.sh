# Read by start-engines and stop-engines: where the engines of the tests live. Nothing here is shared with an engine that
# the machine may run for other ends.

run=/run/runner-ci       # sockets and process ids
data=/var/lib/runner-ci  # images and containers
bridge=runner-ci0        # Docker's default network
user=runner-ci           # an ordinary user, whose engine is rootless

docker_host="unix://$run/docker.sock"
podman_host="unix://$run/podman.sock"
rootless_host="unix://$run/rootless/podman.sock"

# What stays on one of Podman's bridges.
within_podman=(DOCKER-USER --in-interface podman+ --match physdev --physdev-is-bridged --jump ACCEPT)

# Whether the process of an engine runs. A zombie that nobody reaped does not.
alive() {
  local pid
  pid=$(cat "$run/$1.pid" 2>/dev/null) || return 1
  [ -n "$pid" ] && [ -r "/proc/$pid/stat" ] && ! grep -q ') Z ' "/proc/$pid/stat"
}

podman_as_root() {
  CONTAINERS_CONF="$run/containers.conf" podman --root "$data/podman" --runroot "$run/podman" --tmpdir "$run/podman-tmp" "$@"
}

podman_as_user() {
  setpriv --reuid "$user" --regid "$user" --init-groups env --chdir / HOME="$data/rootless" XDG_RUNTIME_DIR="$run/rootless" \
    CONTAINERS_CONF="$run/containers.conf" \
    podman --root "$data/rootless/storage" --runroot "$run/rootless/storage" --tmpdir "$run/rootless/tmp" "$@"
}
