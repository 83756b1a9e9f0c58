#!/bin/sh
# An AI agent with an identity of its own for five minutes, which hands one for a minute to a sub-agent. Neither can ask for
# more than the policy gives it, and nobody outlives whom it was made by.
#
#   npm run example 15-agent               (with countersign on PATH, and the variables of 11-authorities)
set -eu
countersign identity authenticate --save-as owner >/dev/null
me=$(countersign identity inspect --token-name owner --json | sed -n 's/^  "identity": "\(.*\)",$/\1/p')
countersign identity delegate --from-token owner -i "$me:agent" --ttl 300 --save-as agent >/dev/null

# What the agent does knows nothing but its own token.
countersign identity delegate --from-token agent -i "$me:agent:search" --ttl 60 --save-as search >/dev/null
countersign identity delegate --from-token agent -i "$me:laptop" 2>/dev/null || echo "the agent cannot be the laptop"

# The sub-agent asks for the one right that it needs.
countersign authorize request -r notes -o read -i search --token-only |
  countersign authorize verify -s "$me:agent:search" -r notes -o read

countersign identity inspect --token-name search
