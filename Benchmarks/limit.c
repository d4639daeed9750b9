// The physical limit: what nobody can leave out who wants dropped files to be durable, known by their SHA-256, and rows.
//
//   limit DROP STORE CONNINFO
//
// Takes every pair NAME, NAME.manifest.json in DROP and prints, as JSON, how many there were and the seconds of each step.
// Everything is one batch: one sync, one COPY, one COMMIT, in the order that makes it durable: no row before its file is on the disk.
// It is no registry: it trusts every file to be complete and every manifest to be right, looks inside nothing, survives no
// crash in the middle, tells no producer, and finds nothing again. What is left is what each step says.
// The database has Ingot's schema: rows go into a table with the columns and indexes of registry.models.
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

static void refused(PGconn *connection) {
    fprintf(stderr, "limit: %s\n", PQerrorMessage(connection));
    exit(1);
}

static void command(PGconn *connection, const char *sql) {
    PGresult *result = PQexec(connection, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_COPY_IN) refused(connection);
    PQclear(result);
}

// Doubles what COPY's text format reads as an escape; a manifest's white space may as well be blanks.
static int escape(char *row, const char *text) {
    int length = 0;
    for (; *text; text++) {
        if (*text == '\\') row[length++] = '\\';
        row[length++] = *text == '\n' || *text == '\r' || *text == '\t' ? ' ' : *text;
    }
    return length;
}

// Consumers ask the database: a row for each file, as wide as the registry's and in as many indexes. COPY is the cheapest way
// in, and one COMMIT the only wait for the disk. What a row says of the file is right; the rest has a usual row's weight.
static void copy_rows(PGconn *connection) {
    command(connection, "BEGIN");
    command(connection,
        "COPY limit_models (model_id, model_version, creation_timestamp, training_parameters, evaluation_metrics, file_path,"
        " sha256, size_bytes, format, format_details, safety, safety_findings, tags, manifest, manifest_sha256, source_name,"
        " submitted_by, submitted_uid, drop_path, host, proof, store_id, submission_id, registered_at, seq) FROM STDIN");
    char *row = malloc(1 << 18);
    if (!row) fail("memory");
    for (size_t index = 0; index < count; index++) {
        struct entry *entry = &entries[index];
        // Numbers in a row, as those of UUID version 7 are: a random one would cost its index more.
        int length = sprintf(row,
            "limit\t%s\tnow\t{\"optimizer\": \"adam\", \"learning_rate\": 0.001, \"epochs\": 30}\t{\"auc\": 0.93, \"loss\": 0.21}\t"
            "/srv/ingot/store/sha256/%.2s/%s\t%s\t%lld\tunknown\t{}\tno-code\t[]\t{}\t",
            entry->name, entry->hex, entry->hex, entry->hex, entry->size);
        length += escape(row + length, entry->manifest);
        length += sprintf(row + length,
            "\t%s\t%s\troot\t0\t/srv/ingot/drop\tlocalhost\tlease\t01a209ad-2b3b-7c32-9c87-000000000000\t"
            "01a209ad-2b3b-7c32-9c87-%012zx\tnow\t%zu\n",
            entry->hex, entry->name, index, index + 1);
        if (PQputCopyData(connection, row, length) != 1) refused(connection);
    }
    if (PQputCopyEnd(connection, NULL) != 1) refused(connection);
    for (PGresult *result; (result = PQgetResult(connection)); PQclear(result))
        if (PQresultStatus(result) != PGRES_COMMAND_OK) refused(connection);
    command(connection, "COMMIT");
    free(row);
}

// What takes no part in the measurement: the shards, the connection, the table.
static PGconn *prepare(char **arguments) {
    umask(0);
    drop = open(arguments[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    store = open(arguments[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (drop < 0 || store < 0) fail("the directories");
    for (int shard = 0; shard < 256; shard++) {
        char name[8];
        snprintf(name, sizeof name, "%02x", shard);
        if (mkdirat(store, name, 0750) != 0 && errno != EEXIST) fail(name);
    }
    PGconn *connection = PQconnectdb(arguments[3]);
    if (PQstatus(connection) != CONNECTION_OK) refused(connection);
    command(connection, "SET client_min_messages = warning");
    command(connection, "DROP TABLE IF EXISTS limit_models");
    command(connection, "CREATE TABLE limit_models (LIKE registry.models INCLUDING DEFAULTS INCLUDING INDEXES)");
    return connection;
}

// Reading and hashing are all that more than one core can do here.
static void take_all(void) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    pthread_t threads[64];
    if (cores > 64) cores = 64;
    for (long core = 0; core < cores; core++)
        if (pthread_create(&threads[core], NULL, work, NULL) != 0) fail("a thread");
    for (long core = 0; core < cores; core++) pthread_join(threads[core], NULL);
}

// What has been registered must not be there to be registered again: the payloads were moved, the manifests are in their rows.
static void remove_manifests(void) {
    for (size_t index = 0; index < count; index++) {
        char name[512];
        snprintf(name, sizeof name, "%s%s", entries[index].name, suffix);
        if (unlinkat(drop, name, 0) != 0) fail(name);
    }
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: limit DROP STORE CONNINFO\n");
        return 64;
    }
    PGconn *connection = prepare(argv);
    double begin = now();
    list();
    take_all();
    double taken = now();
    // Contents and names are on the disk before any row says so: one sync for all of them.
    if (syncfs(store) != 0) fail("syncfs");
    double synced = now();
    copy_rows(connection);
    double registered = now();
    remove_manifests();
    double end = now();
    printf("{\"files\": %zu, \"seconds\": %.4f, \"take\": %.4f, \"sync\": %.4f, \"rows\": %.4f, \"remove\": %.4f}\n", count,
        end - begin, taken - begin, synced - taken, registered - synced, end - registered);
    PQfinish(connection);
    return 0;
}
