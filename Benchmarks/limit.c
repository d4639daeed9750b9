// The physical limit: what nobody can leave out who wants dropped files to be durable, known by their SHA-256, and rows.
//
//   limit DROP STORE CONNINFO
//
// Takes every pair NAME, NAME.manifest.json in DROP and prints the files per second. Everything is one batch: one sync, one COPY, one COMMIT.
// It is no registry: it trusts every file to be complete and every manifest to be right, looks inside nothing, survives no
// crash in the middle, tells no producer, and finds nothing again. What is left is what each step says.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char suffix[] = ".manifest.json";

struct entry {
    char *name;
    char hex[65];
    long long size;
    char *manifest;
};

static struct entry *entries;
static size_t count;
static atomic_size_t next;
static int drop, store;

static void fail(const char *what) {
    fprintf(stderr, "limit: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

// Which files there are.
static void list(void) {
    DIR *directory = fdopendir(dup(drop));
    if (!directory) fail("the drop directory");
    size_t room = 0;
    for (struct dirent *found; (found = readdir(directory));) {
        size_t length = strlen(found->d_name), tail = sizeof suffix - 1;
        if (length <= tail || strcmp(found->d_name + length - tail, suffix) != 0) continue;
        if (count == room) entries = realloc(entries, (room = room ? 2 * room : 1024) * sizeof *entries);
        if (!entries) fail("memory");
        entries[count++] = (struct entry){.name = strndup(found->d_name, length - tail)};
    }
    closedir(directory);
}

// A row has the manifest in it: it has to be read.
static void read_manifest(struct entry *entry) {
    char name[512], bytes[65536];
    snprintf(name, sizeof name, "%s%s", entry->name, suffix);
    int file = openat(drop, name, O_RDONLY | O_CLOEXEC);
    if (file < 0) fail(name);
    ssize_t length = read(file, bytes, sizeof bytes);
    if (length < 0) fail(name);
    close(file);
    entry->manifest = strndup(bytes, length);
}

// Every byte is read once and hashed once, on every core. The file becomes unwritable, so that what was hashed stays what it is, and goes
// into the store under its digest: a rename costs less than a link and an unlink.
static void take(struct entry *entry, EVP_MD_CTX *hash, unsigned char *buffer, size_t size) {
    int file = openat(drop, entry->name, O_RDONLY | O_CLOEXEC);
    if (file < 0) fail(entry->name);
    if (fchmod(file, 0440) != 0) fail("fchmod");
    EVP_DigestInit_ex2(hash, EVP_sha256(), NULL);
    for (ssize_t length; (length = read(file, buffer, size)) != 0;) {
        if (length < 0) fail(entry->name);
        EVP_DigestUpdate(hash, buffer, length);
        entry->size += length;
    }
    close(file);
    unsigned char digest[32];
    EVP_DigestFinal_ex(hash, digest, NULL);
    for (int index = 0; index < 32; index++) sprintf(entry->hex + 2 * index, "%02x", digest[index]);
    char path[128];
    snprintf(path, sizeof path, "%.2s/%s", entry->hex, entry->hex);
    if (renameat(drop, entry->name, store, path) != 0) fail(path);
}

static void *work(void *unused) {
    (void)unused;
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    size_t size = 256 << 10;
    unsigned char *buffer = malloc(size);
    for (size_t index; (index = atomic_fetch_add(&next, 1)) < count;) {
        read_manifest(&entries[index]);
        take(&entries[index], hash, buffer, size);
    }
    free(buffer);
    EVP_MD_CTX_free(hash);
    return NULL;
}

static void command(PGconn *connection, const char *sql) {
    PGresult *result = PQexec(connection, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_COPY_IN && status != PGRES_TUPLES_OK) {
        fprintf(stderr, "limit: %s\n", PQerrorMessage(connection));
        exit(1);
    }
    PQclear(result);
}

// COPY's text format; a manifest without control characters needs its backslashes doubled.
static void copy_rows(PGconn *connection) {
    command(connection, "BEGIN");
    command(connection, "COPY limit_models (model_version, sha256, size_bytes, file_path, manifest) FROM STDIN");
    char *row = malloc(1 << 18);
    for (size_t index = 0; index < count; index++) {
        struct entry *entry = &entries[index];
        int length = sprintf(
            row, "%s\t%s\t%lld\t/store/%.2s/%s\t", entry->name, entry->hex, entry->size, entry->hex, entry->hex);
        for (const char *byte = entry->manifest; *byte; byte++) {
            if (*byte == '\\') row[length++] = '\\';
            row[length++] = *byte == '\n' || *byte == '\t' ? ' ' : *byte;
        }
        row[length++] = '\n';
        if (PQputCopyData(connection, row, length) != 1) fail("COPY");
    }
    if (PQputCopyEnd(connection, NULL) != 1) fail("COPY");
    for (PGresult *result; (result = PQgetResult(connection)); PQclear(result))
        if (PQresultStatus(result) != PGRES_COMMAND_OK) {
            fprintf(stderr, "limit: %s\n", PQerrorMessage(connection));
            exit(1);
        }
    command(connection, "COMMIT");
    free(row);
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: limit DROP STORE CONNINFO\n");
        return 64;
    }
    umask(0);
    drop = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    store = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (drop < 0 || store < 0) fail("the directories");
    for (int shard = 0; shard < 256; shard++) {
        char name[8];
        snprintf(name, sizeof name, "%02x", shard);
        if (mkdirat(store, name, 0750) != 0 && errno != EEXIST) fail(name);
    }
    PGconn *connection = PQconnectdb(argv[3]);
    if (PQstatus(connection) != CONNECTION_OK) {
        fprintf(stderr, "limit: %s\n", PQerrorMessage(connection));
        return 1;
    }
    // What identifies a row, what finds it by its file, and what orders it, as in the registry.
    command(connection,
        "DROP TABLE IF EXISTS limit_models;"
        "CREATE TABLE limit_models (model_id text DEFAULT 'limit', model_version text, sha256 text, size_bytes bigint,"
        " file_path text, manifest jsonb, submission_id uuid UNIQUE DEFAULT gen_random_uuid(),"
        " registered_at timestamptz DEFAULT clock_timestamp(), seq bigserial UNIQUE, PRIMARY KEY (model_id, model_version));"
        "CREATE INDEX ON limit_models (sha256)");
    double begin = now();
    list();
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    pthread_t threads[64];
    if (cores > 64) cores = 64;
    for (long core = 0; core < cores; core++) pthread_create(&threads[core], NULL, work, NULL);
    for (long core = 0; core < cores; core++) pthread_join(threads[core], NULL);
    // Contents and names are on the disk before any row says so: one sync for all of them.
    if (syncfs(store) != 0) fail("syncfs");
    copy_rows(connection);
    // The manifests are in their rows.
    for (size_t index = 0; index < count; index++) {
        char name[512];
        snprintf(name, sizeof name, "%s%s", entries[index].name, suffix);
        unlinkat(drop, name, 0);
    }
    double seconds = now() - begin;
    printf("%zu files in %.3f s: %.0f files/s\n", count, seconds, count / seconds);
    PQfinish(connection);
    return 0;
}
