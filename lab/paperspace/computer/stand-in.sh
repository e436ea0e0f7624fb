#!/bin/bash
# Stands in for a program of a machine: tells the lab what was called, then prints and exits as the lab says.
read -r host port machine <"${0%/*}/.lab"
# Without its lab a machine has no power: whatever runs on it ends.
exec 3<>"/dev/tcp/$host/$port" || { kill -KILL "$PPID" && exit 127; }
printf '%s\0' "$machine" "$PWD" "$#" "${0##*/}" "$@" >&3
while IFS= read -r line <&3; do
    case $line in
    1*) printf '%s\n' "${line:1}" ;;
    2*) printf '%s\n' "${line:1}" >&2 ;;
    =*) exit "${line:1}" ;;
    esac
done
exit 127
