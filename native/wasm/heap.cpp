// The memory of the WASM build, shared by all its threads: a list of free blocks by address, in which
// neighbours are joined. Requests are large and mostly of the same sizes (src/backend/pool.ts), so first fit
// is good enough.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

extern "C" unsigned char __heap_base;

namespace {

constexpr size_t UNIT = 64, PAGE = 65536;

/** The header before the bytes of a block. */
struct alignas(UNIT) Block {
  size_t bytes;  // including this header
  Block* next;   // the next free one
};

Block* first = nullptr;
size_t end = 0;  // of the memory taken from the system; 0: none yet
std::atomic<uint32_t> locked{0};

/**
 * Locks the heap while it lives. The lock is held only briefly, so it spins: a page's main thread may not
 * sleep.
 */
struct Hold {
  Hold() {
    while (locked.exchange(1) != 0) {
    }
  }
  ~Hold() { locked.store(0); }
};

Block* endOf(Block* block) { return reinterpret_cast<Block*>(reinterpret_cast<size_t>(block) + block->bytes); }

void give(Block* block) {
  Block** at = &first;
  Block* before = nullptr;
  while (*at != nullptr && *at < block) {
    before = *at;
    at = &before->next;
  }
  block->next = *at;
  *at = block;
  if (block->next == endOf(block)) {
    block->bytes += block->next->bytes;
    block->next = block->next->next;
  }
  if (before != nullptr && endOf(before) == block) {
    before->bytes += block->bytes;
    before->next = block->next;
  }
}

/** A block of at least `bytes` from the list, or null. */
Block* find(size_t bytes) {
  for (Block** at = &first; *at != nullptr; at = &(*at)->next) {
    Block* block = *at;
    if (block->bytes < bytes) continue;
    if (block->bytes - bytes < 4 * UNIT) {
      *at = block->next;
    } else {
      Block* rest = reinterpret_cast<Block*>(reinterpret_cast<size_t>(block) + bytes);
      rest->bytes = block->bytes - bytes;
      rest->next = block->next;
      *at = rest;
      block->bytes = bytes;
    }
    return block;
  }
  return nullptr;
}

/** Grows the memory so that `bytes` fit behind its last free block. */
bool grow(size_t bytes) {
  size_t free = 0;
  for (Block* block = first; block != nullptr; block = block->next) {
    if (reinterpret_cast<size_t>(endOf(block)) == end) free = block->bytes;
  }
  const size_t pages = (bytes - free + PAGE - 1) / PAGE;
  if (pages > 65536 - end / PAGE || __builtin_wasm_memory_grow(0, pages) == ~size_t{0}) return false;
  Block* block = reinterpret_cast<Block*>(end);
  block->bytes = pages * PAGE;
  end += pages * PAGE;
  give(block);
  return true;
}

}  // namespace

extern "C" {

void* aligned_alloc(size_t, size_t bytes) {
  if (bytes > ~size_t{0} - PAGE) return nullptr;
  const size_t needed = (bytes + UNIT - 1) / UNIT * UNIT + sizeof(Block);
  Hold hold;
  if (end == 0) {  // begin after the module's own data
    Block* block = reinterpret_cast<Block*>((reinterpret_cast<size_t>(&__heap_base) + UNIT - 1) / UNIT * UNIT);
    end = __builtin_wasm_memory_size(0) * PAGE;
    block->bytes = end - reinterpret_cast<size_t>(block);
    give(block);
  }
  Block* block = find(needed);
  if (block == nullptr && grow(needed)) block = find(needed);
  return block == nullptr ? nullptr : block + 1;
}

void free(void* at) {
  if (at == nullptr) return;
  Hold hold;
  give(static_cast<Block*>(at) - 1);
}
}
