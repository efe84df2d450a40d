#!/bin/sh
# Starts Redis with one user for each role, so that no service can do more there than its work.
#
#   start-redis.sh ROLES SECRETS FOLDER [OPTION OF redis-server]
#
# ROLES is packages/cli/lapwing/stack/redis_roles.acl. The password of each role is kept in
# SECRETS/<role>/password; the first start makes it. FOLDER is for the list of users.
# Nobody is let in as Redis's user "default", unless LAPWING_REDIS_PASSWORD is set.

set -eu
roles=$1 secrets=$2 users=$3/users.acl
shift 3

hash_of() { # Print the SHA-256 of a password, which is all that the list of users holds.
  printf %s "$1" | sha256sum | cut -d ' ' -f 1
}

{
  if [ -n "${LAPWING_REDIS_PASSWORD:-}" ]; then
    echo "user default on #$(hash_of "$LAPWING_REDIS_PASSWORD") ~* &* +@all"
  else
    echo "user default off"
  fi
  # It asks whether Redis answers, and may do nothing else, so it needs no secret.
  echo "user health on nopass resetkeys resetchannels -@all +ping"
} >"$users"

grep '^user ' "$roles" | while read -r _ role rules; do
  file=$secrets/$role/password
  if [ ! -s "$file" ]; then
    head -c 32 /dev/urandom | base64 | tr -d '+/=\n' >"$file.new"
    [ -s "$file.new" ]
    mv "$file.new" "$file"
  fi
  echo "user $role on #$(hash_of "$(cat "$file")") $rules" >>"$users"
done

exec redis-server --aclfile "$users" "$@"
