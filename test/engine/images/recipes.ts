/**
 * The images of the engine tests, made from Debian's packages: named as on a registry, and doing what those do as far as
 * the tests go. Every image is a list of layers; the Debian layer is one for all that stand on it.
 */

/** What a layer adds to those below it. */
export interface LayerRecipe {
  /** Where its files come from: debootstrap, packages and a script on top of the layer `on`, or a script alone. */
  readonly on?: 'debian'
  readonly packages?: readonly string[]
  /** Files of ./files, by their place in the image; a program has mode 755 there as here. */
  readonly files?: Readonly<Record<string, string>>
  /** Run by sh in the layer's root, or with `$root` as its place where there is nothing to chroot into. */
  readonly script?: string
}

/** The `config` of an image, as in the OCI image specification. */
export interface ImageConfig {
  readonly Cmd?: readonly string[]
  readonly Entrypoint?: readonly string[]
  readonly Env?: readonly string[]
  readonly ExposedPorts?: Readonly<Record<string, object>>
  readonly Volumes?: Readonly<Record<string, object>>
  readonly WorkingDir?: string
  readonly StopSignal?: string
}

export interface ImageRecipe {
  readonly layers: readonly LayerName[]
  readonly config: ImageConfig
}

const DEBIAN_PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

export const LAYERS = {
  busybox: {
    script: `mkdir -p $root/bin $root/dev $root/etc $root/home $root/proc $root/root $root/sys $root/tmp $root/var/www
      chmod 1777 $root/tmp
      cp "$(command -v busybox)" $root/bin/busybox
      for name in $(busybox --list); do test $name = busybox || ln -s busybox $root/bin/$name; done
      printf '%s\\n' root:x:0:0:root:/root:/bin/sh daemon:x:1:1:daemon:/usr/sbin:/bin/false \\
        www-data:x:33:33:www-data:/var/www:/bin/false nobody:x:65534:65534:nobody:/home:/bin/false >$root/etc/passwd
      printf '%s\\n' root:x:0: daemon:x:1: www-data:x:33: users:x:100:www-data nobody:x:65534: >$root/etc/group`,
  },
  pause: { script: 'cc -static -Os -Wall -Wextra -Werror -s -o $root/pause files/pause.c' },
  debian: {},
  python: {
    on: 'debian',
    packages: ['python3-flask', 'python3-psycopg2', 'python3-redis', 'python3-pip'],
    // Debian's pip refuses to install beside apt; the images of python.org's registry have no such mark.
    script: `ln -s python3 /usr/bin/python
      rm /usr/lib/python3*/EXTERNALLY-MANAGED`,
  },
  nginx: {
    on: 'debian',
    packages: ['nginx-light'],
    files: { '/etc/nginx/nginx.conf': 'nginx.conf', '/usr/share/nginx/html/index.html': 'nginx.html' },
    script: `ln -sf /dev/stdout /var/log/nginx/access.log
      ln -sf /dev/stderr /var/log/nginx/error.log`,
  },
  redis: {
    on: 'debian',
    packages: ['redis-server'],
    files: { '/usr/local/bin/docker-entrypoint.sh': 'redis.sh' },
    script: 'install -d -o redis -g redis /data',
  },
  postgres: {
    on: 'debian',
    packages: ['postgresql-15'],
    files: { '/usr/local/bin/docker-entrypoint.sh': 'postgres.sh' },
    // PostgreSQL does without the compiler of queries where its files are not there; they are half of the image.
    script: `rm -r /usr/lib/*/libLLVM* /usr/lib/*/libz3* /usr/lib/postgresql/15/lib/llvmjit* /usr/lib/postgresql/15/lib/bitcode
      sed -i "s/^#listen_addresses = .*/listen_addresses = '*'/" /usr/share/postgresql/15/postgresql.conf.sample
      install -d -o postgres -g postgres -m 1777 /var/lib/postgresql/data
      mkdir -p /docker-entrypoint-initdb.d`,
  },
} as const satisfies Readonly<Record<string, LayerRecipe>>

export type LayerName = keyof typeof LAYERS

const python: ImageRecipe = {
  layers: ['debian', 'python'],
  config: { Cmd: ['python3'], Env: [DEBIAN_PATH, 'LANG=C.UTF-8', 'PYTHON_VERSION=3.11.2'] },
}

/** By the name that `docker run` gets. */
export const IMAGES = {
  'busybox:latest': { layers: ['busybox'], config: { Cmd: ['sh'], Env: [DEBIAN_PATH] } },
  'pause:3.9': { layers: ['pause'], config: { Entrypoint: ['/pause'], Env: [DEBIAN_PATH] } },
  'debian:12': { layers: ['debian'], config: { Cmd: ['bash'], Env: [DEBIAN_PATH] } },
  'python:3.11': python,
  'python:3.11-slim': python,
  'nginx:latest': {
    layers: ['debian', 'nginx'],
    config: {
      Cmd: ['nginx', '-g', 'daemon off;'],
      Env: [DEBIAN_PATH],
      ExposedPorts: { '80/tcp': {} },
      StopSignal: 'SIGQUIT',
    },
  },
  'redis:7-alpine': {
    layers: ['debian', 'redis'],
    config: {
      Entrypoint: ['docker-entrypoint.sh'],
      Cmd: ['redis-server'],
      Env: [DEBIAN_PATH],
      ExposedPorts: { '6379/tcp': {} },
      Volumes: { '/data': {} },
      WorkingDir: '/data',
    },
  },
  'postgres:15': {
    layers: ['debian', 'postgres'],
    config: {
      Entrypoint: ['docker-entrypoint.sh'],
      Cmd: ['postgres'],
      Env: [`${DEBIAN_PATH}:/usr/lib/postgresql/15/bin`, 'LANG=C.UTF-8', 'PGDATA=/var/lib/postgresql/data'],
      ExposedPorts: { '5432/tcp': {} },
      Volumes: { '/var/lib/postgresql/data': {} },
      StopSignal: 'SIGINT',
    },
  },
} as const satisfies Readonly<Record<string, ImageRecipe>>

export type ImageName = keyof typeof IMAGES
