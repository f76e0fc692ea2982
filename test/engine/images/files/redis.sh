#!/bin/sh
# Options alone mean redis-server with them; the server does not run as root.
set -e
case $1 in -* | *.conf) set -- redis-server "$@" ;; esac
umask 0077
if [ "$1" = redis-server ]; then
  set -- "$@" --protected-mode no
  if [ "$(id -u)" = 0 ]; then
    chown redis: /data
    exec setpriv --reuid redis --regid redis --init-groups -- "$@"
  fi
fi
exec "$@"
