/* Integer work and branches: a checksum bit by bit, a sieve, a state machine over text, a matrix product. */
#include <stdint.h>

#define ROUNDS 400

static uint8_t sieve[65536];
static uint16_t a[48][48], b[48][48];
static uint32_t c[48][48];

static uint32_t crc(uint32_t sum, const uint8_t *p, uint32_t n)
{
	while (n--) {
		sum ^= *p++;
		for (int i = 0; i < 8; i++)
			sum = sum & 1 ? sum >> 1 ^ 0xedb88320u : sum >> 1;
	}
	return sum;
}

static uint32_t primes(void)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < sizeof(sieve); i++)
		sieve[i] = 1;
	for (uint32_t i = 2; i < sizeof(sieve); i++) {
		if (!sieve[i])
			continue;
		count++;
		for (uint32_t k = i + i; k < sizeof(sieve); k += i)
			sieve[k] = 0;
	}
	return count;
}

/* Counts numbers, words and others in text made up on the way. */
static uint32_t scan(uint32_t seed)
{
	enum { START, NUMBER, WORD, OTHER } state = START;
	uint32_t seen[4] = {0};

	for (int i = 0; i < 60000; i++) {
		seed = seed * 1664525u + 1013904223u;
		uint8_t ch = (uint8_t)(seed >> 24) & 0x7f;
		if (ch == ' ' || ch == '\n')
			state = START;
		else if (ch >= '0' && ch <= '9')
			state = state == WORD ? WORD : NUMBER;
		else if ((ch | 32) >= 'a' && (ch | 32) <= 'z')
			state = state == OTHER ? OTHER : WORD;
		else
			state = OTHER;
		seen[state]++;
	}
	return seen[0] ^ seen[1] << 8 ^ seen[2] << 16 ^ seen[3] << 24;
}

static uint32_t product(uint32_t seed)
{
	uint32_t sum = 0;

	for (int i = 0; i < 48; i++)
		for (int k = 0; k < 48; k++) {
			seed = seed * 1664525u + 1013904223u;
			a[i][k] = (uint16_t)(seed >> 16);
			b[k][i] = (uint16_t)(seed >> 8);
		}
	for (int i = 0; i < 48; i++)
		for (int k = 0; k < 48; k++) {
			uint32_t v = 0;
			for (int j = 0; j < 48; j++)
				v += (uint32_t)a[i][j] * b[j][k];
			c[i][k] = v;
			sum ^= v;
		}
	return sum;
}

uint32_t main(void);
uint32_t main(void)
{
	uint32_t sum = 0xffffffffu;

	for (int round = 0; round < ROUNDS; round++) {
		sum += primes();
		sum = crc(sum, sieve, sizeof(sieve));
		sum ^= scan(sum);
		sum += product(sum);
	}
	return sum;
}
