#!/bin/sh
# HashiCorp Vault: makes a client, tells Vault what it must know of it, and logs in with a token of the client. It calls
# the commands countersign (as a superuser) and vault (as somebody who may configure auth methods).
#
#   COUNTERSIGN_PASSWORD=… VAULT_ADDR=… VAULT_TOKEN=… npm run example 04-vault
set -eu
client=${CLIENT_ID:-vault-example}

# Tokens with the audience "vault", which is what keeps those for other services from being used here.
created=$(countersign client create --id "$client" --name "$client" --grants client_credentials --credential --audience vault)
COUNTERSIGN_CLIENT_SECRET=$(printf '%s\n' "$created" | sed -n 's/^client secret: //p')
export COUNTERSIGN_CLIENT_SECRET

# Terraform comes first, then the same as commands; the last of them is the login.
setup=$(countersign vault "$client" --policies kv-read)
printf '%s\n' "$setup" | sed -n '/^vault /,$p' | sh -eu
