/*
 * Replays a corpus through a fuzz target where libFuzzer is not linked: fuzz_main FILE|FOLDER...
 * The empty input is always tried. Each input lies in a block of its own size, so that the address
 * sanitizer sees the first byte read beyond it. Prints one line; a failed ASSERT aborts, after
 * the name of the input.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fuzz.h"

#define INPUT_BYTES_MAX ((size_t)1 << 20)
#define PATH_BYTES_MAX 4096

static bool
replay_file(const char *path)
{
	uint8_t *buf = malloc(INPUT_BYTES_MAX), *exact;
	FILE *file = fopen(path, "rb");
	size_t size;

	if (!file || !buf) {
		fprintf(stderr, "cannot read %s\n", path);
		free(buf);
		return false;
	}
	size = fread(buf, 1, INPUT_BYTES_MAX, file);
	fclose(file);
	exact = malloc(size ? size : 1);
	if (exact) {
		fprintf(stderr, "input %s\n", path);
		memcpy(exact, buf, size);
		LLVMFuzzerTestOneInput(exact, size);
	}
	free(exact);
	free(buf);
	return exact != NULL;
}

/* How many inputs the folder has, or -1 when one cannot be read. */
static int
replay_folder(DIR *folder, const char *path)
{
	char name[PATH_BYTES_MAX];
	int count = 0;

	for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		if (!replay_file(name))
			return -1;
		count++;
	}
	return count;
}

int
main(int argc, char **argv)
{
	int count = 1;

	LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	for (int i = 1; i < argc; i++) {
		DIR *folder = opendir(argv[i]);
		int got = folder ? replay_folder(folder, argv[i]) : replay_file(argv[i]) ? 1 : -1;

		if (folder)
			closedir(folder);
		if (got < 0)
			return 1;
		count += got;
	}
	printf("%d inputs replayed\n", count);
	return 0;
}
