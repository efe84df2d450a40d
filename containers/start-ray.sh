#!/bin/sh
# Starts the head of a Ray cluster or one of its nodes, and goes on as its process.
#
#   start-ray.sh head|node
#
# Who has the token may run any program on all nodes. The head makes it, unless there is one, as a
# file that only this user may read. docs/cluster.md says how the token comes to other machines.

set -eu
umask 077
token=${RAY_AUTH_TOKEN_PATH:?}
export RAY_AUTH_MODE=token
store=${LAPWING_NODE_STORE_BYTES:-268435456}

if [ "${1:-}" = head ]; then
  if [ ! -s "$token" ]; then
    python3 -c 'import secrets; print(secrets.token_hex(32), end="")' >"$token.new"
    mv "$token.new" "$token"
  fi
  address=${LAPWING_NODE_ADDRESS:-$(hostname -i | cut -d ' ' -f 1)}
  # Nothing runs beside the head. Its dashboard is not reached from outside.
  exec ray start --head --node-ip-address="$address" --node-name=head --port=6379 --num-cpus=0 \
    --dashboard-host=127.0.0.1 --object-store-memory="$store" --disable-usage-stats --block
fi

# The address from which this machine reaches the head; Ray would ask a public one for the way.
reach='import sys; from contract.cluster.head import HeadAddress
print(HeadAddress.parse(sys.argv[1]).await_answer(60))'
address=${LAPWING_NODE_ADDRESS:-$(python3 -c "$reach" "${LAPWING_CLUSTER:?}")}
exec ray start --address="$LAPWING_CLUSTER" --node-ip-address="$address" \
  --node-name="$(hostname)" --num-cpus="${LAPWING_NODE_CPUS:-1}" --object-store-memory="$store" \
  --disable-usage-stats --block
