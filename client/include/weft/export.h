#pragma once

// Marks what libweft-client.so offers; everything else in it is hidden. On every class and function
// of a header in this folder that is defined in a source.
#define WEFT_EXPORT __attribute__((visibility("default")))
