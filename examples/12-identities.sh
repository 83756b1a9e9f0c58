#!/bin/sh
# An identity, handed to a laptop for a day and to an agent for ten minutes. The agent has rights of its own, and fewer.
#
#   npm run example 12-identities          (with countersign on PATH, and the variables of 11-authorities)
set -eu
countersign identity authenticate >/dev/null
me=$(countersign identity inspect --json | sed -n 's/^  "identity": "\(.*\)",$/\1/p')

# Both are made here, without asking the authority.
countersign identity delegate -i "$me:laptop" --ttl 86400 --save-as laptop >/dev/null
countersign identity delegate -i "$me:agent" --ttl 600 --save-as agent >/dev/null

for who in laptop agent; do
  for operation in read write; do
    if countersign authorize request -r notes -o "$operation" -i "$who" --token-only 2>/dev/null |
      countersign authorize verify -s "$me:$who" -r notes -o "$operation" >/dev/null 2>&1; then
      echo "$who may $operation"
    else
      echo "$who may not $operation"
    fi
  done
done

# The laptop cannot pass for its owner.
countersign identity verify --token-name laptop -i "$me" >/dev/null 2>&1 || echo "the laptop is not $me"
countersign identity inspect
